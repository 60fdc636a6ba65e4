using System.Runtime.CompilerServices;

namespace Sluice;

// The refusals: see Misfit.
public static partial class PipeDoor
{
    extension<TIn, TItem>(Pipe<TIn, TItem>)
    {
        /// <summary>Refused: <c>pipe | a function of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Function, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Delegate function) => throw Misfit.Refused();

        /// <summary>Refused: <c>pipe | branches of different types</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Branches, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Func<Source<TItem>, object>[] branches) => throw Misfit.Refused();

        /// <summary>Refused: <c>pipe | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(Misfit.Lambda, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Func<dynamic, dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>pipe | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(Misfit.Lambda, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Action<dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>pipe | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(Misfit.TwoParameters, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Func<dynamic, dynamic, dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>pipe | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(Misfit.TwoParameters, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, Action<dynamic, dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>pipe | what is no stage</c>.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(Misfit.Anything, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, object stage) => throw Misfit.Refused();
    }

    extension<TIn, TItem, TOther>(Pipe<TIn, TItem>)
    {
        /// <summary>Refused: <c>pipe | a sink of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Sink, error: true)]
        public static Sink<TIn> operator |(Pipe<TIn, TItem> pipe, Sink<TOther> wrong) => throw Misfit.Refused();

        /// <summary>Refused: <c>pipe | a key of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Key, error: true)]
        public static Pipe<TIn, TItem> operator |(Pipe<TIn, TItem> pipe, KeyedLanes<TOther> lanes) => throw Misfit.Refused();
    }

    extension<TIn, TItem, TOther, TOut>(Pipe<TIn, TItem>)
    {
        /// <summary>Refused: <c>pipe | a pipe of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Pipe, error: true)]
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, TItem> pipe, Pipe<TOther, TOut> wrong) => throw Misfit.Refused();
    }
}
