using Sluice.Pipelines;

namespace Sluice;

// Behind a refused operator, nothing else is refused: one mistake gives one error.
public static partial class SourceOperators
{
    extension<TItem>(RefusedSource<TItem>)
    {
        /// <summary>Behind a refused operator: <c>source | a function of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, Delegate function) => throw CompileErrors.Refused();

        /// <summary>Behind a refused operator: <c>source | branches of different types</c>.</summary>
        [OverloadResolutionPriority(-1)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, Func<Source<TItem>, object>[] branches)
            => throw CompileErrors.Refused();

        /// <summary>Behind a refused operator: <c>source | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-2)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, Func<dynamic, dynamic> lambda)
            => throw CompileErrors.Refused();

        /// <summary>Behind a refused operator: <c>source | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-3)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, Action<dynamic> lambda)
            => throw CompileErrors.Refused();

        /// <summary>Behind a refused operator: <c>source | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-2)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, Func<dynamic, dynamic, dynamic> lambda)
            => throw CompileErrors.Refused();

        /// <summary>Behind a refused operator: <c>source | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-3)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, Action<dynamic, dynamic> lambda)
            => throw CompileErrors.Refused();

        /// <summary>Behind a refused operator: <c>source | an object that is no stage</c>.</summary>
        [OverloadResolutionPriority(-4)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, object stage) => throw CompileErrors.Refused();
    }

    extension<TItem, TOther>(RefusedSource<TItem>)
    {
        /// <summary>Behind a refused operator: <c>source | a sink of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        public static Pipeline operator |(RefusedSource<TItem> source, Sink<TOther> wrong) => throw CompileErrors.Refused();

        /// <summary>Behind a refused operator: <c>source | a key of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        public static RefusedSource<TItem> operator |(RefusedSource<TItem> source, KeyedLanes<TOther> lanes)
            => throw CompileErrors.Refused();
    }

    extension<TItem, TOther, TOut>(RefusedSource<TItem>)
    {
        /// <summary>Behind a refused operator: <c>source | a pipe of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        public static RefusedSource<TOut> operator |(RefusedSource<TItem> source, Pipe<TOther, TOut> wrong)
            => throw CompileErrors.Refused();
    }
}
