insert or replace into revenue
select product, sum(amount) from orders group by product having sum(amount) >= :least
