namespace Sluice;

/// <summary>A stage for items of any type, which puts out items of the same type: <c>source | Pipe.Take(10)</c>. Made by
/// <see cref="Pipe"/>.</summary>
/// <remarks>Immutable and thread-safe; use it any number of times.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class ItemPipe
{
    private protected ItemPipe() { }

    internal abstract Source<T> After<T>(Source<T> source);

    internal sealed class TakePipe(long count) : ItemPipe
    {
        internal override Source<T> After<T>(Source<T> source) => source.Take(count);
    }

    internal sealed class SkipPipe(long count) : ItemPipe
    {
        internal override Source<T> After<T>(Source<T> source) => source.Skip(count);
    }

    internal sealed class DistinctPipe(int? capacity) : ItemPipe
    {
        internal override Source<T> After<T>(Source<T> source) => capacity is { } bound ? source.Distinct(bound) : source.Distinct();
    }

    internal sealed class DebouncePipe(TimeSpan quiet) : ItemPipe
    {
        internal override Source<T> After<T>(Source<T> source) => source.Debounce(quiet);
    }

    internal sealed class SamplePipe(TimeSpan period) : ItemPipe
    {
        internal override Source<T> After<T>(Source<T> source) => source.Sample(period);
    }

    internal sealed class ThrottlePipe(int items, TimeSpan per, bool smooth) : ItemPipe
    {
        internal override Source<T> After<T>(Source<T> source) => source.Throttle(items, per, smooth);
    }

    internal sealed class DelayPipe(TimeSpan by) : ItemPipe
    {
        internal override Source<T> After<T>(Source<T> source) => source.Delay(by);
    }
}

/// <summary>A stage that gathers items of any type into arrays: <c>source | Pipe.Chunk(100)</c>.</summary>
/// <remarks>Immutable and thread-safe; use it any number of times.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ChunkPipe
{
    private readonly int? count;
    private readonly TimeSpan? within;

    internal ChunkPipe(int? count, TimeSpan? within) => (this.count, this.within) = (count, within);

    internal Source<T[]> After<T>(Source<T> source) => source.Chunk(count, within);
}

/// <summary>A stage that gathers items of any type into windows: <c>source | Pipe.Window(TimeSpan.FromMinutes(1))</c>.</summary>
/// <remarks>Immutable and thread-safe; use it any number of times.</remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WindowPipe
{
    private readonly TimeSpan size;
    private readonly TimeSpan hop;

    internal WindowPipe(TimeSpan size, TimeSpan hop) => (this.size, this.hop) = (size, hop);

    internal Source<Window<T>> After<T>(Source<T> source) => source.Window(size, hop);
}
