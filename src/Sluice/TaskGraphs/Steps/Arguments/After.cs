using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Futures and tasks that a step waits for, without taking their values: one of them (implicitly), or several, <c>[first, second]</c>.</summary>
/// <remarks>Immutable. If one of them fails the step does not run, and fails with it; unless made by <see cref="EvenIfFailed"/>.</remarks>
[CollectionBuilder(typeof(After), nameof(Of))]
public sealed class After
{
    private readonly Future[] futures;

    private After(Future[] futures) => this.futures = futures;

    internal ReadOnlySpan<Future> Futures => futures;

    /// <summary>Waits for all of them.</summary>
    /// <param name="futures">None is null.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static After Of(params ReadOnlySpan<Future> futures)
    {
        Future.CheckAll(futures);
        return new(futures.ToArray());
    }

    /// <summary>Waits for anything else that can be awaited: <c>After.Of(async () => await connection.Opened)</c>.</summary>
    /// <param name="wait">Called once, here and now.</param>
    /// <exception cref="ArgumentException">It has returned null.</exception>
    public static After Of(Func<Task> wait)
    {
        ArgumentNullException.ThrowIfNull(wait);
        return wait() ?? throw new ArgumentException("The function has returned null instead of a task. Let it be async.", nameof(wait));
    }

    /// <summary>Waits for the end of all of them, however they end. That does not count as having seen their failures.</summary>
    /// <param name="futures">None is null.</param>
    /// <exception cref="ArgumentException">One of them is null.</exception>
    public static After EvenIfFailed(params ReadOnlySpan<Future> futures)
    {
        Future.CheckAll(futures);
        return new([new EndFuture(futures.ToArray(), evenIfFailed: true)]);
    }

    /// <summary>Waits for what both wait for.</summary>
    /// <param name="other">Null for nothing more.</param>
    public After And(After? other) => other is null ? this : new([.. futures, .. other.futures]);

    /// <summary>Waits for one.</summary>
    /// <param name="future">Not null.</param>
    public static implicit operator After(Future future) => Of(future);

    /// <summary>Waits for a task.</summary>
    /// <param name="task">Not null.</param>
    public static implicit operator After(Task task) => Of((Future)task);

    /// <summary>Waits for a task, which must not be awaited elsewhere.</summary>
    /// <param name="task">Any.</param>
    public static implicit operator After(ValueTask task) => Of((Future)task);

    /// <summary>Waits for all of them.</summary>
    /// <param name="futures">Not null, and none of them null.</param>
    public static implicit operator After(Future[] futures)
    {
        ArgumentNullException.ThrowIfNull(futures);
        return Of(futures);
    }

    /// <summary>For the compiler.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public IEnumerator<Future> GetEnumerator() => ((IEnumerable<Future>)futures).GetEnumerator();
}
