using Sluice.Pipelines;

namespace Sluice;

/// <summary>The operators behind sinks, all refused: no items come out of a sink.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class SinkOperators
{
    extension(Pipeline)
    {
        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, Delegate stage) => throw CompileErrors.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, Func<dynamic, dynamic> stage) => throw CompileErrors.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, Action<dynamic> stage) => throw CompileErrors.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Pipeline operator |(Pipeline pipeline, object stage) => throw CompileErrors.Refused();
    }

    extension<TItem>(Sink<TItem>)
    {
        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, Delegate stage) => throw CompileErrors.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-2)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, Func<dynamic, dynamic> stage) => throw CompileErrors.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-3)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, Action<dynamic> stage) => throw CompileErrors.Refused();

        /// <summary>Refused: nothing comes out of a sink.</summary>
        [OverloadResolutionPriority(-4)]
        [Obsolete(CompileErrors.BehindASink, error: true)]
        public static Sink<TItem> operator |(Sink<TItem> sink, object stage) => throw CompileErrors.Refused();
    }
}
