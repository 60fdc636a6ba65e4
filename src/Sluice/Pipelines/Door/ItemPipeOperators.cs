namespace Sluice;

/// <summary>The stages without a function that fit behind <c>|</c>: <c>source | Twice | Pipe.Chunk(100) | Save</c>.</summary>
[EditorBrowsable(EditorBrowsableState.Never), AlsoForPipes]
public static partial class ItemPipeOperators
{
    extension<T>(Source<T>)
    {
        /// <summary>Adds a stage for items of any type.</summary>
        public static Source<T> operator |(Source<T> source, ItemPipe next)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(next);
            return next.After(source);
        }

        /// <summary>Adds a stage that gathers the items into arrays.</summary>
        public static Source<T[]> operator |(Source<T> source, ChunkPipe next)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(next);
            return next.After(source);
        }

        /// <summary>Adds a stage that gathers the items into windows.</summary>
        public static Source<Window<T>> operator |(Source<T> source, WindowPipe next)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(next);
            return next.After(source);
        }
    }
}
