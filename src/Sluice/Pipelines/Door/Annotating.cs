namespace Sluice;

/// <summary>Annotations behind sinks.</summary>
public static class Annotating
{
    extension(Pipeline)
    {
        /// <summary>Annotates the sink before it.</summary>
        public static Pipeline operator |(Pipeline pipeline, StageAnnotation annotation) => new(pipeline.Tail.Annotate(annotation));
    }

    extension<T>(Sink<T>)
    {
        /// <summary>Annotates the sink before it.</summary>
        public static Sink<T> operator |(Sink<T> sink, StageAnnotation annotation) => new(sink.Pipe.Annotate(annotation));
    }
}
