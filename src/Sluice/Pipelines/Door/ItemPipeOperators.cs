using System.ComponentModel;

namespace Sluice;

/// <summary>Operators without a function, behind <c>|</c>: <c>source | Twice | Pipe.Chunk(100) | Save</c>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ItemPipeOperators
{
    extension<T>(Source<T>)
    {
        /// <summary>A stage that fits behind items of any type.</summary>
        public static Source<T> operator |(Source<T> source, ItemPipe next)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(next);
            return next.After(source);
        }

        /// <summary>Gathers the items into arrays.</summary>
        public static Source<T[]> operator |(Source<T> source, ChunkPipe next)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(next);
            return next.After(source);
        }

        /// <summary>Gathers the items into windows.</summary>
        public static Source<Window<T>> operator |(Source<T> source, WindowPipe next)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(next);
            return next.After(source);
        }
    }

    extension<TIn, T>(Pipe<TIn, T>)
    {
        /// <summary>A stage that fits behind items of any type.</summary>
        public static Pipe<TIn, T> operator |(Pipe<TIn, T> pipe, ItemPipe next)
        {
            ArgumentNullException.ThrowIfNull(pipe);
            ArgumentNullException.ThrowIfNull(next);
            return pipe.Then(next.After);
        }

        /// <summary>Gathers the items into arrays.</summary>
        public static Pipe<TIn, T[]> operator |(Pipe<TIn, T> pipe, ChunkPipe next)
        {
            ArgumentNullException.ThrowIfNull(pipe);
            ArgumentNullException.ThrowIfNull(next);
            return pipe.Then(next.After);
        }

        /// <summary>Gathers the items into windows.</summary>
        public static Pipe<TIn, Window<T>> operator |(Pipe<TIn, T> pipe, WindowPipe next)
        {
            ArgumentNullException.ThrowIfNull(pipe);
            ArgumentNullException.ThrowIfNull(next);
            return pipe.Then(next.After);
        }
    }
}
