using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The refusals behind sinks, where nothing comes out any more.</summary>
public static class BehindSinks
{
    extension(Pipeline)
    {
        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, Delegate stage) => throw Misfit.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, Func<dynamic, dynamic> stage) => throw Misfit.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, Action<dynamic> stage) => throw Misfit.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, object stage) => throw Misfit.Refused();
    }

    extension<TItem>(Sink<TItem>)
    {
        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, Delegate stage) => throw Misfit.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, Func<dynamic, dynamic> stage) => throw Misfit.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, Action<dynamic> stage) => throw Misfit.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(Misfit.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, object stage) => throw Misfit.Refused();
    }
}
