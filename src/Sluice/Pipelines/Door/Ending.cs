namespace Sluice.Pipelines;

/// <summary>Ends of pipelines and lanes by key, for the operators behind sources.</summary>
internal static class Ending
{
    public static Pipeline End<T>(this Source<T> source, Operator<T, Unit> sink) => new(source.Then(sink));

    public static Pipeline End<T>(this Source<T> source, Sink<T> sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        return new(source.Then(sink.Pipe));
    }

    public static Pipeline End<T>(this Source<T> source, SinkCollection<T> sinks)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        return new(sinks.After(source));
    }

    public static Pipeline End<T>(this Source<T> source, Func<Source<T>, Pipeline>[] sinks)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        return new(source.Fan(new BroadcastOperator<T>(),
            Branch.Unnamed(sinks.Select(sink => Pipe<T, Unit>.Of(branch => sink(branch).Tail)))));
    }

    public static Source<T> Keyed<T>(this Source<T> source, KeyedLanes<T> lanes)
    {
        ArgumentNullException.ThrowIfNull(lanes);
        return new KeyedSource<T>(source, lanes);
    }
}
