namespace Sluice.Graphs;

/// <summary>
/// Futures and tasks that a step waits for without taking their values. A single one converts implicitly; write several as <c>[first,
/// second]</c>.
/// </summary>
/// <remarks>
/// Immutable. If one of them fails, the step does not run and fails, too, unless this is made by <see cref="EvenIfFailed"/>.
/// </remarks>
[CollectionBuilder(typeof(After), nameof(Of))]
public sealed class After
{
    private readonly Future[] futures;

    private After(Future[] futures) => this.futures = futures;

    internal ReadOnlySpan<Future> Futures => futures;

    /// <summary>Waits for all of these futures.</summary>
    /// <param name="futures">The futures; none is null.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static After Of(params ReadOnlySpan<Future> futures)
    {
        Future.CheckAll(futures);
        return new(futures.ToArray());
    }

    /// <summary>Waits for any other awaitable: <c>After.Of(async () => await connection.Opened)</c>.</summary>
    /// <param name="wait">A function that awaits it; called once, immediately.</param>
    /// <exception cref="ArgumentException">The function has returned null.</exception>
    public static After Of(Func<Task> wait)
    {
        ArgumentNullException.ThrowIfNull(wait);
        return wait() ?? throw new ArgumentException("The function has returned null instead of a task. Let it be async.", nameof(wait));
    }

    /// <summary>Waits for all of these futures, even if they fail. Their failures do not count as observed.</summary>
    /// <param name="futures">The futures; none is null.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static After EvenIfFailed(params ReadOnlySpan<Future> futures)
    {
        Future.CheckAll(futures);
        return new([new EndFuture(futures.ToArray(), evenIfFailed: true)]);
    }

    /// <summary>Combines two lists of futures to wait for.</summary>
    /// <param name="other">The other list; null for none.</param>
    public After And(After? other) => other is null ? this : new([.. futures, .. other.futures]);

    /// <summary>Waits for a future.</summary>
    /// <param name="future">The future; not null.</param>
    public static implicit operator After(Future future) => Of(future);

    /// <summary>Waits for a task.</summary>
    /// <param name="task">The task; not null.</param>
    public static implicit operator After(Task task) => Of((Future)task);

    /// <summary>Waits for a task, which must not be awaited elsewhere.</summary>
    /// <param name="task">The task.</param>
    public static implicit operator After(ValueTask task) => Of((Future)task);

    /// <summary>Waits for all of these futures.</summary>
    /// <param name="futures">The futures; the array and its elements are not null.</param>
    public static implicit operator After(Future[] futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        return Of(futures);
    }

    /// <summary>For the compiler's collection expressions.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public IEnumerator<Future> GetEnumerator() => ((IEnumerable<Future>)futures).GetEnumerator();
}
