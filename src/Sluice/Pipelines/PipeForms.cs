using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

// Operators as pieces that fit into a chain. With `using static Sluice.Pipe;` they read `source | Twice | Chunk(100) | Save`.
public static partial class Pipe
{
    /// <summary>Lets through the items for which the predicate is true: <c>source | Pipe.Where((int n) => n > 2)</c>.</summary>
    /// <remarks>The lambda states the type of its parameter, as C# cannot see the items from here; a method needs a type argument, <c>Pipe.Where&lt;int&gt;(IsEven)</c>.</remarks>
    /// <param name="predicate">See <see cref="Operators.Where{T}(Source{T}, Func{T, bool})"/>.</param>
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

    /// <summary>The items up to the first one for which the predicate is false.</summary>
    /// <param name="predicate">See <see cref="Operators.TakeWhile{T}(Source{T}, Func{T, bool})"/>.</param>
    public static Pipe<T, T> TakeWhile<T>(Func<T, bool> predicate) => Of<T>().TakeWhile(predicate);

    /// <summary>The items from the first one for which the predicate is false.</summary>
    /// <param name="predicate">See <see cref="Operators.SkipWhile{T}(Source{T}, Func{T, bool})"/>.</param>
    public static Pipe<T, T> SkipWhile<T>(Func<T, bool> predicate) => Of<T>().SkipWhile(predicate);

    /// <summary>Calls a function with every item, and passes the item on.</summary>
    /// <param name="function">See <see cref="Operators.Do{T}(Source{T}, Action{T})"/>.</param>
    public static Pipe<T, T> Do<T>(Action<T> function) => Of<T>().Do(function);

    /// <summary>Gathers items of equal keys that follow each other: <c>source | Pipe.GroupBy((int n) => n / 4)</c>.</summary>
    /// <param name="key">The key of an item.</param>
    public static Pipe<T, Group<TKey, T>> GroupBy<T, TKey>(Func<T, TKey> key) => Of<T>().GroupBy(key);

    /// <summary>The result so far, with every item: <c>source | Pipe.Scan(0, (int sum, int n) => sum + n)</c>.</summary>
    /// <param name="seed">The result before the first item.</param>
    /// <param name="function">The next result, of the one before it and an item.</param>
    public static Pipe<T, TResult> Scan<T, TResult>(TResult seed, Func<TResult, T, TResult> function) => Of<T>().Scan(seed, function);

    /// <summary>One result, at the end.</summary>
    /// <param name="seed">The result of no items.</param>
    /// <param name="function">The next result, of the one before it and an item.</param>
    public static Pipe<T, TResult> Aggregate<T, TResult>(TResult seed, Func<TResult, T, TResult> function) => Of<T>().Aggregate(seed, function);

    /// <summary>Gathers items into arrays, behind items of any type: <c>source | Pipe.Chunk(100)</c>.</summary>
    /// <param name="count">How many items make a chunk: 1 or more.</param>
    /// <param name="within">How long after its first item a chunk is put out, by the run's clock; more than zero.</param>
    public static ChunkPipe Chunk(int? count = null, TimeSpan? within = null) => new(count, within);

    /// <summary>Gathers the items of a stretch of time, behind items of any type.</summary>
    /// <param name="size">How long a window is; more than zero.</param>
    /// <param name="hop">From the start of a window to the start of the next; the size of a window unless given.</param>
    public static WindowPipe Window(TimeSpan size, TimeSpan? hop = null) => new(size, hop ?? size);

    /// <summary>The first items, of any type; then the sources are told to stop.</summary>
    /// <param name="count">How many: 0 or more.</param>
    public static ItemPipe Take(long count) => new ItemPipe.TakePipe(count);

    /// <summary>Without the first items, of any type.</summary>
    /// <param name="count">How many are left out: 0 or more.</param>
    public static ItemPipe Skip(long count) => new ItemPipe.SkipPipe(count);

    /// <summary>Only items, of any type, that were not seen before, as far as a bounded memory goes back.</summary>
    /// <param name="capacity">How many items are remembered: 1 or more; 65,536 unless given.</param>
    public static ItemPipe Distinct(int? capacity = null) => new ItemPipe.DistinctPipe(capacity);

    /// <summary>The last item, of any type, of every burst.</summary>
    /// <param name="quiet">For how long nothing must come before the item is put out; more than zero.</param>
    public static ItemPipe Debounce(TimeSpan quiet) => new ItemPipe.DebouncePipe(quiet);

    /// <summary>The latest item, of any type, of every period.</summary>
    /// <param name="period">The period; more than zero.</param>
    public static ItemPipe Sample(TimeSpan period) => new ItemPipe.SamplePipe(period);

    /// <summary>At most so many items, of any type, per period; the rest waits.</summary>
    /// <param name="items">How many: 1 to 1,000,000.</param>
    /// <param name="per">The period; more than zero.</param>
    /// <param name="smooth">Whether items are spread evenly, without bursts.</param>
    public static ItemPipe Throttle(int items, TimeSpan per, bool smooth = false) => new ItemPipe.ThrottlePipe(items, per, smooth);

    /// <summary>Every item, of any type, so much later.</summary>
    /// <param name="by">How much; more than zero.</param>
    public static ItemPipe Delay(TimeSpan by) => new ItemPipe.DelayPipe(by);
}
