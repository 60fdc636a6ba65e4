using Sluice.Diagnostics;
using Sluice.Pipelines;

namespace Sluice;

/// <summary>Annotations of the stage before them: <c>source | GeocodeAsync | Stage.Parallel(8) | Stage.Retry(3)</c>.</summary>
/// <remarks>Annotations can be chained: <c>Stage.Parallel(8).Unordered</c>. A later annotation overrides an earlier one of its
/// kind.</remarks>
public static class Stage
{
    /// <summary>Runs the stage in several lanes: up to <paramref name="lanes"/> items at a time. Results keep the order of the items unless
    /// <see cref="StagePolicy.Unordered"/>.</summary>
    /// <remarks>Every lane has its own instance of a node. Operators that remember earlier items cannot run in parallel; use
    /// <see cref="KeyBy"/>. Adjacent synchronous stages with the same annotation may share their lanes: one lane then takes an item through
    /// all of them.</remarks>
    /// <param name="lanes">The number of lanes, 1 to 1,024.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 1 lane, or more than 1,024.</exception>
    public static StagePolicy Parallel(int lanes) => StagePolicy.None.Parallel(lanes);

    /// <summary>Lets the results of a parallel stage come out in the order in which they are ready.</summary>
    public static StagePolicy Unordered => StagePolicy.None.Unordered;

    /// <summary>Gives each lane a thread of its own, for a function that blocks its thread, instead of a thread of the pool.
    /// <c>source | Resize | Stage.Parallel(64).Blocking()</c>.</summary>
    /// <remarks>For functions that wait without <c>await</c>: synchronous files, sockets and libraries. The pool has about as many threads
    /// as there are processors, and adds threads slowly. All blocking stages share these threads, which are kept for 20 seconds. Without
    /// <see cref="Parallel"/>, the stage has one thread. In single-thread mode, or with a scheduler of its own, the run uses that scheduler
    /// instead.</remarks>
    public static StagePolicy Blocking() => StagePolicy.None.Blocking();

    /// <summary>Retries an item that fails, up to <paramref name="retries"/> times, before <see cref="OnError"/> decides.</summary>
    /// <remarks>The outputs of a failed attempt are dropped: outputs go on when an attempt has succeeded.</remarks>
    /// <param name="retries">The number of attempts after the first one, 0 to 1,000,000.</param>
    /// <param name="backoff">The waits before the retries; by default exponential from 100 ms to a minute, with jitter.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative or too large.</exception>
    public static StagePolicy Retry(int retries, Backoff? backoff = null) => StagePolicy.None.Retry(retries, backoff);

    /// <summary>Cancels an attempt at an item that takes longer; the attempt has failed with a <see cref="TimeoutException"/>.</summary>
    /// <remarks>For asynchronous stages only: a synchronous function cannot be interrupted.</remarks>
    /// <param name="limit">The time limit: more than zero, 49 days at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public static StagePolicy Timeout(TimeSpan limit) => StagePolicy.None.Timeout(limit);

    /// <summary>Sets the policy for an item that has failed for good: after its last attempt.</summary>
    public static StagePolicy OnError(ErrorPolicy policy) => StagePolicy.None.OnError(policy);

    /// <summary>Divides a list that has failed for good into halves and runs them again, until the failing items are alone:
    /// <c>source.Chunk(100) | WriteRows | Stage.Bisect</c>.</summary>
    /// <remarks><para><see cref="OnError"/> then applies to lists of one item, and all other items go through. The whole list and lists of
    /// one item have all their attempts; other parts are started once. If all of <c>n</c> items fail, <c>2n - 1</c> lists are started. In
    /// runs, the halves follow each other at once, in order. In a consecutor with a store, the halves are items of their own: they are
    /// committed together with the end of the item that they are halves of, so a crash in between loses none.</para>
    /// <para>For stages that take an array, as <c>Chunk</c> makes it, <c>List&lt;T&gt;</c>, <c>IReadOnlyList&lt;T&gt;</c> or
    /// <c>IList&lt;T&gt;</c>; if compiled ahead of time, an array.</para></remarks>
    public static StagePolicy Bisect => StagePolicy.None.Bisect;

    /// <summary>Names the node. Given names are unique in a pipeline.</summary>
    /// <param name="name">The name: 1 to 1,000 characters.</param>
    /// <exception cref="ArgumentException">The name is empty or too long, or has a control character or half of a character (an unpaired
    /// surrogate).</exception>
    public static StagePolicy Named(string name) => StagePolicy.None.Named(name);

    /// <summary>Puts an asynchronous boundary behind the stage: the next stage runs on a thread of its own, up to
    /// <paramref name="capacity"/> items behind.</summary>
    /// <param name="capacity">The number of items that the boundary holds, 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is less than 1.</exception>
    public static StagePolicy Buffer(int capacity) => StagePolicy.None.Buffer(capacity);

    /// <summary>Logs every item that goes into the stage and every item that comes out.</summary>
    /// <param name="log">Called on the thread of the stage; several threads call it at a time if the stage is parallel. If it throws,
    /// the stage has failed on that item, and its own <c>Retry</c> and <c>OnError</c> do not count: a run fails.</param>
    public static StagePolicy Log(Action<ItemLogEntry> log) => StagePolicy.None.Log(log);

    /// <summary>Runs the stage <em>after</em> it in lanes by key: items of one key in order, one at a time; different keys at the same
    /// time. <c>source | Stage.KeyBy((Order o) => o.Customer, lanes: 8) | StageNode.Of(() => new Totals())</c>.</summary>
    /// <remarks><para>Items of different keys do not keep their order. A stage without memory, and a node, have an instance in each lane.
    /// They keep no list of keys, so the number of keys is not limited. A <see cref="StatefulStageNode{TIn, TOut, TState}"/> keeps the keys
    /// that have a state, until it removes that.</para>
    /// <para>An operator with memory (<c>Scan</c>, <c>Distinct</c>, <c>Chunk</c>, <c>Debounce</c>, windows, …) works for each key
    /// separately. Each lane keeps the <paramref name="maxKeys"/> keys that it used last. If there are more, the key used longest ago ends:
    /// the operator puts out its held items, as at the end of the input, and the key starts anew when it comes again. The first time in
    /// each lane, a warning is logged.</para></remarks>
    /// <param name="key">Returns the key of an item; the type of the key must have a meaningful <see cref="object.GetHashCode"/>. In front
    /// of a node that keeps state by key, and of operators in a consecutor, it is a text, a whole number, a <see cref="decimal"/>, a time,
    /// a <see cref="Guid"/>, an enum, or a tuple of them; other types are refused when the pipeline is built. There, do not mix types in a
    /// key of the type <see cref="object"/>: <c>1</c>, <c>1L</c> and <c>"1"</c> have the same text, and one state.</param>
    /// <param name="lanes">The number of lanes, 1 to 1,024; by default the number of processors.</param>
    /// <param name="maxKeys">The number of keys that each lane remembers, 1 or more.</param>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TKey">The type of the key.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 1 lane, or more than 1,024; fewer than 1 key.</exception>
    public static KeyedLanes<T> KeyBy<T, TKey>(Func<T, TKey> key, int? lanes = null, int maxKeys = 65_536)
        => KeyedLanes<T>.Of(key, lanes ?? Environment.ProcessorCount, maxKeys);

    /// <summary>Refused: <c>Stage.KeyBy(o => o.Customer)</c>.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(CompileErrors.KeyWithoutType, error: true)]
    public static StagePolicy KeyBy(Func<dynamic, dynamic> key, int? lanes = null, int maxKeys = 65_536) => throw CompileErrors.Refused();
}
