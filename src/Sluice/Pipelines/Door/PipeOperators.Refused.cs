using System.Runtime.CompilerServices;

namespace Sluice;

// The refusals: see CompileErrors.
public static partial class PipeOperators
{
    extension<TIn, TItem>(Pipe<TIn, TItem>)
    {
        /// <summary>Refused: <c>pipe | a function of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Function, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Delegate function) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>pipe | branches of different types</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Branches, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Func<Source<TItem>, object>[] branches) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>pipe | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(CompileErrors.Lambda, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Func<dynamic, dynamic> lambda) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>pipe | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(CompileErrors.Lambda, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Action<dynamic> lambda) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>pipe | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(CompileErrors.TwoParameters, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Func<dynamic, dynamic, dynamic> lambda) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>pipe | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(CompileErrors.TwoParameters, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Action<dynamic, dynamic> lambda) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>pipe | what is no stage</c>.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(CompileErrors.Anything, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, object stage) => throw CompileErrors.Refused();
    }

    extension<TIn, TItem, TOther>(Pipe<TIn, TItem>)
    {
        /// <summary>Refused: <c>pipe | a sink of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Sink, error: true)]
        public static Sink<TIn> operator |(Pipe<TIn, TItem> pipe, Sink<TOther> wrong) => throw CompileErrors.Refused();

        /// <summary>Refused: <c>pipe | a key of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Key, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, KeyedLanes<TOther> lanes) => throw CompileErrors.Refused();
    }

    extension<TIn, TItem, TOther, TOut>(Pipe<TIn, TItem>)
    {
        /// <summary>Refused: <c>pipe | a pipe of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Pipe, error: true)]
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, TItem> pipe, Pipe<TOther, TOut> wrong) => throw CompileErrors.Refused();
    }
}
