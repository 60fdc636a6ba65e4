namespace Sluice;

/// <summary>What the operators of the door do, for sources and for pipes.</summary>
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

    public static Sink<TIn> End<TIn, T>(this Pipe<TIn, T> pipe, Operator<T, Unit> sink) => new(pipe.Then(sink));

    public static Sink<TIn> End<TIn, T>(this Pipe<TIn, T> pipe, Sink<T> sink) => pipe.Then(source => source.End(sink));

    public static Sink<TIn> End<TIn, T>(this Pipe<TIn, T> pipe, SinkCollection<T> sinks) => pipe.Then(source => source.End(sinks));

    public static Pipeline End<T>(this Source<T> source, Func<Source<T>, Pipeline>[] sinks)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        return new(source.Fan(new BroadcastOperator<T>(), Branch.Unnamed(sinks.Select(sink => Pipe<T, Unit>.Of(branch => sink(branch).Tail)))));
    }

    public static Sink<TIn> End<TIn, T>(this Pipe<TIn, T> pipe, Func<Source<T>, Pipeline>[] sinks) => pipe.Then(source => source.End(sinks));

    public static Source<T> Keyed<T>(this Source<T> source, KeyedLanes<T> lanes)
    {
        ArgumentNullException.ThrowIfNull(lanes);
        return new KeyedSource<T>(source, lanes);
    }

    public static Pipe<TIn, T> Keyed<TIn, T>(this Pipe<TIn, T> pipe, KeyedLanes<T> lanes) => pipe.Then(source => source.Keyed(lanes));
}
