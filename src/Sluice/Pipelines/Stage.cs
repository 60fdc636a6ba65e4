using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Annotations of the stage before them: <c>source | GeocodeAsync | Stage.Parallel(8) | Stage.Retry(3)</c>.</summary>
/// <remarks>They may be chained as well: <c>Stage.Parallel(8).Unordered</c>. A later one overrides an earlier one of its kind.</remarks>
public static class Stage
{
    /// <summary>Up to this many items are worked on at once; results keep the order of the items unless <see cref="StagePolicy.Unordered"/>.</summary>
    /// <remarks>Every lane has its own instance of a node. Operators that remember earlier items cannot be run in parallel; use <see cref="KeyBy"/>.
    /// Adjacent synchronous stages that are annotated alike may share their lanes, so that an item is taken through all of them by one.</remarks>
    /// <param name="lanes">1 to 1,024.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 1, or more than 1,024.</exception>
    public static StagePolicy Parallel(int lanes) => StagePolicy.None.Parallel(lanes);

    /// <summary>Results of the parallel stage come out as they are ready.</summary>
    public static StagePolicy Unordered => StagePolicy.None.Unordered;

    /// <summary>The function of the stage blocks its thread: each of its lanes gets a thread of its own at once, instead of one of the pool. <c>source | Resize | Stage.Parallel(64).Blocking()</c>.</summary>
    /// <remarks>
    /// For functions that wait without <c>await</c>: files, sockets and libraries that are synchronous. The pool has about as many threads as there are processors, and adds others slowly. The threads are kept for
    /// 20 seconds and shared by all stages that block. Without <see cref="Parallel"/>, it is one thread. A single-threaded run, or one with a scheduler of its own, uses that.
    /// </remarks>
    public static StagePolicy Blocking() => StagePolicy.None.Blocking();

    /// <summary>An item that fails is tried again, up to this many more times, before <see cref="OnError"/> decides.</summary>
    /// <remarks>What a failed attempt had put out already is taken back: outputs go on when an attempt has succeeded.</remarks>
    /// <param name="retries">0 to 1,000,000.</param>
    /// <param name="backoff">How long to wait; exponential from 100 ms up to a minute, with jitter, unless given.</param>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or too many.</exception>
    public static StagePolicy Retry(int retries, Backoff? backoff = null) => StagePolicy.None.Retry(retries, backoff);

    /// <summary>An attempt at an item that takes longer is cancelled, and has failed with a <see cref="TimeoutException"/>.</summary>
    /// <remarks>For asynchronous stages: a synchronous function cannot be interrupted.</remarks>
    /// <param name="limit">More than zero, 49 days at most.</param>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public static StagePolicy Timeout(TimeSpan limit) => StagePolicy.None.Timeout(limit);

    /// <summary>What happens to an item that has failed for good.</summary>
    public static StagePolicy OnError(ErrorPolicy policy) => StagePolicy.None.OnError(policy);

    /// <summary>A list that has failed for good is divided into halves, which are started again, and so on until what fails is alone: <c>source.Chunk(100) | WriteRows | Stage.Bisect</c>.</summary>
    /// <remarks>
    /// So <see cref="OnError"/> is about lists of one item, and everything else goes through. A part of several items is started once; what is alone has all its attempts, as has the whole list. Of <c>n</c> items
    /// that all fail, <c>2n - 1</c> lists are started. In a consecutor with a store the halves are items of their own: committed together with the end of what they are halves of, also where the process dies in between.
    /// In runs they follow each other at once, in order. For stages that take an array, as <c>Chunk</c> makes it, <c>List&lt;T&gt;</c>, <c>IReadOnlyList&lt;T&gt;</c> or <c>IList&lt;T&gt;</c>; if compiled ahead of time, an array.
    /// </remarks>
    public static StagePolicy Bisect => StagePolicy.None.Bisect;

    /// <summary>Names the node. Given names are unique within a pipeline.</summary>
    /// <param name="name">Not empty.</param>
    /// <exception cref="ArgumentException">An empty name.</exception>
    public static StagePolicy Named(string name) => StagePolicy.None.Named(name);

    /// <summary>Puts an asynchronous boundary behind the stage: what follows runs on a thread of its own, up to this many items behind.</summary>
    /// <param name="capacity">1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public static StagePolicy Buffer(int capacity) => StagePolicy.None.Buffer(capacity);

    /// <summary>Reports every item that goes into the stage and comes out of it.</summary>
    /// <param name="log">Called on the stage's thread; in a parallel stage by several at once. It must not throw.</param>
    public static StagePolicy Log(Action<ItemLogEntry> log) => StagePolicy.None.Log(log);

    /// <summary>
    /// The stage <em>after</em> it runs in lanes: items of one key in order, one at a time; different keys at the same
    /// time. <c>source | Stage.KeyBy((Order o) => o.Customer, lanes: 8) | StageNode.Of(() => new Totals())</c>.
    /// </summary>
    /// <remarks>
    /// <para>Across keys, order is not kept. A stage that remembers nothing, and a node, have an instance in each lane: keys are not remembered then, and there may be any number of them.</para>
    /// <para>An operator that remembers something (<c>Scan</c>, <c>Distinct</c>, <c>Chunk</c>, <c>Debounce</c>, windows, …) works for each key by itself. Each lane keeps the <paramref name="maxKeys"/> keys that
    /// it used last. A key beyond that ends: what is held of it comes out, as at the end of the input, and it begins anew when it comes again. The first time that happens in a lane is told as a warning.</para>
    /// </remarks>
    /// <param name="key">The key of an item; its type must have a meaningful <see cref="object.GetHashCode"/>.</param>
    /// <param name="lanes">1 to 1,024; the number of processors unless given.</param>
    /// <param name="maxKeys">How many keys each lane keeps something of: 1 or more.</param>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <typeparam name="TKey">The type of the key.</typeparam>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 1 lane, or more than 1,024; fewer than 1 key.</exception>
    public static KeyedLanes<T> KeyBy<T, TKey>(Func<T, TKey> key, int? lanes = null, int maxKeys = 65_536) => KeyedLanes<T>.Of(key, lanes ?? Environment.ProcessorCount, maxKeys);

    /// <summary>Refused: <c>Stage.KeyBy(o => o.Customer)</c>.</summary>
    [OverloadResolutionPriority(-1)]
    [Obsolete(CompileErrors.KeyWithoutType, error: true)]
    public static StagePolicy KeyBy(Func<dynamic, dynamic> key, int? lanes = null, int maxKeys = 65_536) => throw CompileErrors.Refused();
}
