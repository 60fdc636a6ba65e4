namespace Sluice.Celery;

/// <summary>Where a task goes, and the limits that Celery puts on it. Immutable.</summary>
public sealed record CeleryRoute
{
    /// <summary>The queue; default <c>sluice</c>, or <c>celery</c> for tasks of an application. Workers read it with <c>-Q</c>.</summary>
    /// <exception cref="ArgumentException">The name is empty, longer than 255 bytes of UTF-8, or has control characters.</exception>
    public string? Queue { get; init => field = value is null ? null : Checked(value); }

    /// <summary>
    /// How urgent the task is: 0 to 9, where 9 is the most urgent; null (the default) for none. RabbitMQ orders a queue by it only if the
    /// queue has <c>x-max-priority</c>; if the service makes the queue, the application of the workers needs
    /// <c>task_queue_max_priority = 10</c>. On Redis the workers must have Celery's default <c>priority_steps</c>, and null is as 9.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public int? Priority
    {
        get;
        init => field = value is null or (>= 0 and <= 9) ? value
            : throw new ArgumentOutOfRangeException(nameof(Priority), value, "From 0 to 9.");
    }

    /// <summary>
    /// The hard time limit: the worker kills the process of the task. Null (the default) for that of the worker. Only the prefork pool of
    /// Celery has time limits.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than 49 days.</exception>
    public TimeSpan? TimeLimit { get; init => field = Limit(value, nameof(TimeLimit)); }

    /// <summary>The soft time limit: the task is told to stop, and fails. Null (the default) for that of the worker.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than 49 days.</exception>
    public TimeSpan? SoftTimeLimit { get; init => field = Limit(value, nameof(SoftTimeLimit)); }

    /// <exception cref="ArgumentException">The limits contradict each other.</exception>
    internal void Check(string name)
    {
        if (SoftTimeLimit >= TimeLimit)
            throw new ArgumentException($"A route has the soft time limit {SoftTimeLimit} and the hard one {TimeLimit}: a task that is "
                + $"killed is not told to stop. The soft limit is the shorter one.", name);
    }

    private static string Checked(string queue)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(queue);
        return Encoding.UTF8.GetByteCount(queue) <= 255 && !queue.Any(char.IsControl) ? queue
            : throw new ArgumentException("The name of a queue has at most 255 bytes of UTF-8, and no control characters.", nameof(queue));
    }

    private static TimeSpan? Limit(TimeSpan? value, string name)
        => value is null || (value >= TimeSpan.FromSeconds(1) && value <= TimeSpan.FromDays(49)) ? value
        : throw new ArgumentOutOfRangeException(name, value, "From a second to 49 days.");
}
