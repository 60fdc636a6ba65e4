using Sluice.Pipelines;

namespace Sluice;

// The refusals: see CompileErrors.
[AlsoForPipes]
public static partial class SourceOperators
{
    extension<TItem>(Source<TItem>)
    {
        /// <summary>Refused: <c>source | a function of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Function, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, Delegate function) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>source | branches of different types</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Branches, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, Func<Source<TItem>, object>[] branches)
            => throw CompileErrors.Refused();

        /// <summary>Refused: <c>source | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(CompileErrors.Lambda, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, Func<dynamic, dynamic> lambda)
            => throw CompileErrors.Refused();

        /// <summary>Refused: <c>source | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(CompileErrors.Lambda, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, Action<dynamic> lambda) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>source | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(CompileErrors.TwoParameters, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, Func<dynamic, dynamic, dynamic> lambda)
            => throw CompileErrors.Refused();

        /// <summary>Refused: <c>source | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(CompileErrors.TwoParameters, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, Action<dynamic, dynamic> lambda)
            => throw CompileErrors.Refused();

        /// <summary>Refused: <c>source | an object that is no stage</c>.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(CompileErrors.Anything, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, object stage) => throw CompileErrors.Refused();
    }

    extension<TItem, TOther>(Source<TItem>)
    {
        /// <summary>Refused: <c>source | a sink of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Sink, error: true)]
        public static Pipeline operator |(Source<TItem> source, Sink<TOther> wrong) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>source | a key of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Key, error: true)]
        public static RefusedSource<TItem> operator |(Source<TItem> source, KeyedLanes<TOther> lanes) => throw CompileErrors.Refused();
    }

    extension<TItem, TOther, TOut>(Source<TItem>)
    {
        /// <summary>Refused: <c>source | a pipe of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Pipe, error: true)]
        public static RefusedSource<TOut> operator |(Source<TItem> source, Pipe<TOther, TOut> wrong) => throw CompileErrors.Refused();
    }
}
