using System.Runtime.CompilerServices;

namespace Sluice;

// The refusals: see Misfit.
public static partial class SourceDoor
{
    extension<TItem>(Source<TItem>)
    {
        /// <summary>Refused: <c>source | a function of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Function, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, Delegate function) => throw Misfit.Refused();

        /// <summary>Refused: <c>source | branches of different types</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Branches, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, Func<Source<TItem>, object>[] branches) => throw Misfit.Refused();

        /// <summary>Refused: <c>source | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(Misfit.Lambda, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, Func<dynamic, dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>source | a lambda that does not compile</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(Misfit.Lambda, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, Action<dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>source | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(Misfit.TwoParameters, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, Func<dynamic, dynamic, dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>source | a lambda of two parameters</c>.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(Misfit.TwoParameters, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, Action<dynamic, dynamic> lambda) => throw Misfit.Refused();

        /// <summary>Refused: <c>source | what is no stage</c>.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(Misfit.Anything, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, object stage) => throw Misfit.Refused();
    }

    extension<TItem, TOther>(Source<TItem>)
    {
        /// <summary>Refused: <c>source | a sink of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Sink, error: true)]
        public static Pipeline operator |(Source<TItem> source, Sink<TOther> wrong) => throw Misfit.Refused();

        /// <summary>Refused: <c>source | a key of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Key, error: true)]
        public static Source<TItem> operator |(Source<TItem> source, KeyedLanes<TOther> lanes) => throw Misfit.Refused();
    }

    extension<TItem, TOther, TOut>(Source<TItem>)
    {
        /// <summary>Refused: <c>source | a pipe of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.Pipe, error: true)]
        public static Source<TOut> operator |(Source<TItem> source, Pipe<TOther, TOut> wrong) => throw Misfit.Refused();
    }
}
