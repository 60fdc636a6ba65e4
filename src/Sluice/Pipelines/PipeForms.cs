using Sluice.Pipelines;

namespace Sluice;

// Operators as parts that fit into a chain. With `using static Sluice.Pipe;` they read `source | Twice | Chunk(100) | Save`.
public static partial class Pipe
{
    /// <summary>Lets through the items for which the predicate is true: <c>source | Pipe.Where((int n) => n > 2)</c>.</summary>
    /// <remarks>C# cannot infer the item type here. A lambda states the type of its parameter; a method needs a type argument,
    /// <c>Pipe.Where&lt;int&gt;(IsEven)</c>.</remarks>
    /// <param name="predicate">See <see cref="SourceExtensions.Where{T}(Source{T}, Func{T, bool})"/>.</param>
    public static Pipe<T, T> Where<T>(Func<T, bool> predicate) => Of<T>().Where(predicate);

    /// <summary>Refused: <c>Pipe.Where(n => n > 2)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OverloadResolutionPriority(-1)]
    [Obsolete(CompileErrors.FormWithoutType, error: true)]
    public static ItemPipe Where(Func<dynamic, dynamic> predicate) => throw CompileErrors.Refused();

    /// <summary>Refused: <c>Pipe.Where(IsEven)</c>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OverloadResolutionPriority(-2)]
    [Obsolete(CompileErrors.FormWithoutType, error: true)]
    public static ItemPipe Where(Delegate predicate) => throw CompileErrors.Refused();

    /// <summary>Lets items through until the predicate is false for one.</summary>
    /// <param name="predicate">See <see cref="SourceExtensions.TakeWhile{T}(Source{T}, Func{T, bool})"/>.</param>
    public static Pipe<T, T> TakeWhile<T>(Func<T, bool> predicate) => Of<T>().TakeWhile(predicate);

    /// <summary>Drops items until the predicate is false for one; that item and all later items go through.</summary>
    /// <param name="predicate">See <see cref="SourceExtensions.SkipWhile{T}(Source{T}, Func{T, bool})"/>.</param>
    public static Pipe<T, T> SkipWhile<T>(Func<T, bool> predicate) => Of<T>().SkipWhile(predicate);

    /// <summary>Calls a function with every item, and passes the item on.</summary>
    /// <param name="function">See <see cref="SourceExtensions.Do{T}(Source{T}, Action{T})"/>.</param>
    public static Pipe<T, T> Do<T>(Action<T> function) => Of<T>().Do(function);

    /// <summary>Gathers consecutive items with equal keys into groups: <c>source | Pipe.GroupBy((int n) => n / 4)</c>.</summary>
    /// <param name="key">The key of an item.</param>
    public static Pipe<T, Group<TKey, T>> GroupBy<T, TKey>(Func<T, TKey> key) => Of<T>().GroupBy(key);

    /// <summary>Puts out the result so far for every item: <c>source | Pipe.Scan(0, (int sum, int n) => sum + n)</c>.</summary>
    /// <param name="seed">The result before the first item.</param>
    /// <param name="function">Makes the next result from the previous result and an item.</param>
    public static Pipe<T, TResult> Scan<T, TResult>(TResult seed, Func<TResult, T, TResult> function) => Of<T>().Scan(seed, function);

    /// <summary>Puts out one result, at the end.</summary>
    /// <param name="seed">The result if there are no items.</param>
    /// <param name="function">Makes the next result from the previous result and an item.</param>
    public static Pipe<T, TResult> Aggregate<T, TResult>(TResult seed, Func<TResult, T, TResult> function)
        => Of<T>().Aggregate(seed, function);

    /// <summary>Gathers items of any type into arrays: <c>source | Pipe.Chunk(100)</c>.</summary>
    /// <param name="count">The number of items in a chunk, 1 or more.</param>
    /// <param name="within">The time from the first item of a chunk until the chunk is put out, by the clock of the run; more than
    /// zero.</param>
    public static ChunkPipe Chunk(int? count = null, TimeSpan? within = null) => new(count, within);

    /// <summary>Gathers items of any type into windows of time.</summary>
    /// <param name="size">The length of a window; more than zero.</param>
    /// <param name="hop">The time from the start of a window to the start of the next one; by default the size of a window.</param>
    public static WindowPipe Window(TimeSpan size, TimeSpan? hop = null) => new(size, hop ?? size);

    /// <summary>Lets the first items, of any type, through and then tells the sources to stop.</summary>
    /// <param name="count">The number of items, 0 or more.</param>
    public static ItemPipe Take(long count) => new ItemPipe.TakePipe(count);

    /// <summary>Drops the first items, of any type.</summary>
    /// <param name="count">The number of items to drop, 0 or more.</param>
    public static ItemPipe Skip(long count) => new ItemPipe.SkipPipe(count);

    /// <summary>Lets through items, of any type, that are not among the items remembered.</summary>
    /// <param name="capacity">The number of items remembered, 1 or more; by default 65,536.</param>
    public static ItemPipe Distinct(int? capacity = null) => new ItemPipe.DistinctPipe(capacity);

    /// <summary>Lets the last item, of any type, of every burst through.</summary>
    /// <param name="quiet">The time without items after which the last item is put out; more than zero.</param>
    public static ItemPipe Debounce(TimeSpan quiet) => new ItemPipe.DebouncePipe(quiet);

    /// <summary>Lets the latest item, of any type, of every period through.</summary>
    /// <param name="period">The length of a period; more than zero.</param>
    public static ItemPipe Sample(TimeSpan period) => new ItemPipe.SamplePipe(period);

    /// <summary>Limits the number of items, of any type, in a period; further items wait.</summary>
    /// <param name="items">The number of items in a period, 1 to 1,000,000.</param>
    /// <param name="per">The length of a period; more than zero.</param>
    /// <param name="smooth">True: items are spread evenly, without bursts.</param>
    public static ItemPipe Throttle(int items, TimeSpan per, bool smooth = false) => new ItemPipe.ThrottlePipe(items, per, smooth);

    /// <summary>Delays every item, of any type.</summary>
    /// <param name="by">The delay; more than zero.</param>
    public static ItemPipe Delay(TimeSpan by) => new ItemPipe.DelayPipe(by);
}
