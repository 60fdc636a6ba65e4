using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>What may stand on the right of <c>|</c> behind a source. The kind of a function is told by what it returns.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static partial class SourceOperators
{
    extension<T, TOut>(Source<T>)
    {
        /// <summary>A map.</summary>
        public static Source<TOut> operator |(Source<T> source, Func<T, TOut> map) => OperatorFactory.Map(source, map);

        /// <summary>An asynchronous map.</summary>
        [OverloadResolutionPriority(1)]
        public static Source<TOut> operator |(Source<T> source, Func<T, Task<TOut>> map) => source.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map.</summary>
        public static Source<TOut> operator |(Source<T> source, Func<T, ValueTask<TOut>> map) => source.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map that takes the run's token.</summary>
        [OverloadResolutionPriority(1)]
        public static Source<TOut> operator |(Source<T> source, Func<T, CancellationToken, Task<TOut>> map) => source.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map that takes the run's token.</summary>
        public static Source<TOut> operator |(Source<T> source, Func<T, CancellationToken, ValueTask<TOut>> map) => source.Then(OperatorFactory.Map(map));

        /// <summary>One to many.</summary>
        public static Source<TOut> operator |(Source<T> source, Func<T, IEnumerable<TOut>> many) => source.Then(OperatorFactory.Many(many));

        /// <summary>One to many, asynchronously.</summary>
        public static Source<TOut> operator |(Source<T> source, Func<T, IAsyncEnumerable<TOut>> many) => source.Then(OperatorFactory.Many(many));

        /// <summary>One to many, asynchronously, with the run's token.</summary>
        public static Source<TOut> operator |(Source<T> source, Func<T, CancellationToken, IAsyncEnumerable<TOut>> many) => source.Then(OperatorFactory.Many(many));

        /// <summary>The stages of a pipe.</summary>
        public static Source<TOut> operator |(Source<T> source, Pipe<T, TOut> next) => source.Then(next);

        /// <summary>A node instance: for one lane, and one run at a time. A factory is better: <c>StageNode.Of(() => new N())</c>.</summary>
        public static Source<TOut> operator |(Source<T> source, StageNode<T, TOut> node) => source.Then(new NodeOperator<T, TOut>(() => node, owns: false));

        /// <summary>Branches, each of which gets every item; what comes out of them is merged.</summary>
        public static Source<TOut> operator |(Source<T> source, Func<Source<T>, Source<TOut>>[] branches) => source.Broadcast(branches);

        /// <summary>Pipes, each of which gets every item; what comes out of them is merged.</summary>
        public static Source<TOut> operator |(Source<T> source, Pipe<T, TOut>[] branches) => source.Broadcast(branches);

        /// <summary>Pipes and a router, which gives each item to one of them; what comes out of them is merged.</summary>
        public static Source<TOut> operator |(Source<T> source, BranchOrRouter<T, TOut>[] branches) => BranchOrRouter<T, TOut>.After(source, branches);

        /// <summary>Branches, one of which gets each item; what comes out of them is merged.</summary>
        public static Source<TOut> operator |(Source<T> source, Routing<T, TOut> routing) => source.Route(routing);
    }

    extension<T>(Source<T>)
    {
        /// <summary>A sink: a function that is called with every item.</summary>
        public static Pipeline operator |(Source<T> source, Action<T> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator |(Source<T> source, Func<T, Task> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Pipeline operator |(Source<T> source, Func<T, ValueTask> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator |(Source<T> source, Func<T, CancellationToken, Task> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Pipeline operator |(Source<T> source, Func<T, CancellationToken, ValueTask> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, Task> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, ValueTask> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, CancellationToken, Task> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, CancellationToken, ValueTask> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink.</summary>
        public static Pipeline operator |(Source<T> source, Sink<T> sink) => source.End(sink);

        /// <summary>Sinks, each of which gets every item.</summary>
        public static Pipeline operator |(Source<T> source, SinkCollection<T> sinks) => source.End(sinks);

        /// <summary>Branches that end in sinks, each of which gets every item.</summary>
        public static Pipeline operator |(Source<T> source, Func<Source<T>, Pipeline>[] sinks) => source.End(sinks);

        /// <summary>Sinks, each of which gets every item: where overloaded methods are among them, which have no type of their own.</summary>
        [OverloadResolutionPriority(-1)]
        public static Pipeline operator |(Source<T> source, Func<T, Task>[] sinks) => source.End((SinkCollection<T>)[.. sinks]);

        /// <summary>Sinks, each of which gets every item: where overloaded methods are among them, which have no type of their own.</summary>
        [OverloadResolutionPriority(-2)]
        public static Pipeline operator |(Source<T> source, Action<T>[] sinks) => source.End((SinkCollection<T>)[.. sinks]);

        /// <summary>Annotates the stage before it.</summary>
        public static Source<T> operator |(Source<T> source, StagePolicy annotation) => source.Annotate(annotation);

        /// <summary>The stage after it runs in lanes, in order per key.</summary>
        public static Source<T> operator |(Source<T> source, KeyedLanes<T> lanes) => source.Keyed(lanes);
    }
}
