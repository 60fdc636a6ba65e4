namespace Sluice;

/// <summary>The operators for annotations behind sinks.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class StagePolicyOperators
{
    extension(Pipeline)
    {
        /// <summary>Annotates the sink before it.</summary>
        public static Pipeline operator |(Pipeline pipeline, StagePolicy policy) => new(pipeline.Tail.Annotate(policy));
    }

    extension<T>(Sink<T>)
    {
        /// <summary>Annotates the sink before it.</summary>
        public static Sink<T> operator |(Sink<T> sink, StagePolicy policy) => new(sink.Pipe.Annotate(policy));
    }
}
