"""Runs the job and makes the asset: the same words, counted by a step for each line."""

from definitions import count_words, word_counts

from weft import materialize

result = count_words.execute_in_process()
print("words:", result.output_for_node("of_all"))
print("steps:", sorted({event.step_key for event in result.all_events if event.step_key}))
skipped = result.get_step_skipped_events()
print("skipped:", [(event.step_key, event.skip_reason) for event in skipped][:1])

assert materialize([word_counts]).asset_value("word_counts") == result.output_for_node("of_all")
