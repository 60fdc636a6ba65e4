using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>What may stand on the right of <c>|</c> behind a pipe. The kind of a function is told by what it returns.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static partial class PipeOperators
{
    extension<TIn, T, TOut>(Pipe<TIn, T>)
    {
        /// <summary>A map.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, TOut> map) => pipe.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, Task<TOut>> map) => pipe.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, ValueTask<TOut>> map) => pipe.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map that takes the run's token.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, CancellationToken, Task<TOut>> map) => pipe.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map that takes the run's token.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, CancellationToken, ValueTask<TOut>> map) => pipe.Then(OperatorFactory.Map(map));

        /// <summary>One to many.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, IEnumerable<TOut>> many) => pipe.Then(OperatorFactory.Many(many));

        /// <summary>One to many, asynchronously.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, IAsyncEnumerable<TOut>> many) => pipe.Then(OperatorFactory.Many(many));

        /// <summary>One to many, asynchronously, with the run's token.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<T, CancellationToken, IAsyncEnumerable<TOut>> many) => pipe.Then(OperatorFactory.Many(many));

        /// <summary>The stages of a pipe.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Pipe<T, TOut> next) => pipe.Then(source => source.Then(next));

        /// <summary>A node instance: for one lane, and one run at a time. A factory is better: <c>StageNode.Of(() => new N())</c>.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, StageNode<T, TOut> node) => pipe.Then(new NodeOperator<T, TOut>(() => node, owns: false));

        /// <summary>Branches, each of which gets every item; what comes out of them is merged.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Func<Source<T>, Source<TOut>>[] branches) => pipe.Broadcast(branches);

        /// <summary>Pipes, each of which gets every item; what comes out of them is merged.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Pipe<T, TOut>[] branches) => pipe.Broadcast(branches);

        /// <summary>Pipes and a router, which gives each item to one of them; what comes out of them is merged.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, BranchOrRouter<T, TOut>[] branches) => pipe.Then(source => BranchOrRouter<T, TOut>.After(source, branches));

        /// <summary>Branches, one of which gets each item; what comes out of them is merged.</summary>
        public static Pipe<TIn, TOut> operator |(Pipe<TIn, T> pipe, Routing<T, TOut> routing) => pipe.Route(routing);
    }

    extension<TIn, T>(Pipe<TIn, T>)
    {
        /// <summary>A sink: a function that is called with every item.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Action<T> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, Task> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, ValueTask> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, CancellationToken, Task> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, CancellationToken, ValueTask> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, ItemContext, Task> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, ItemContext, ValueTask> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, ItemContext, CancellationToken, Task> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, ItemContext, CancellationToken, ValueTask> sink) => pipe.End(OperatorFactory.End(sink));

        /// <summary>A sink.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Sink<T> sink) => pipe.End(sink);

        /// <summary>Sinks, each of which gets every item.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, SinkCollection<T> sinks) => pipe.End(sinks);

        /// <summary>Branches that end in sinks, each of which gets every item.</summary>
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<Source<T>, Pipeline>[] sinks) => pipe.End(sinks);

        /// <summary>Sinks, each of which gets every item: where overloaded methods are among them, which have no type of their own.</summary>
        [OverloadResolutionPriority(-1)]
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Func<T, Task>[] sinks) => pipe.End((SinkCollection<T>)[.. sinks]);

        /// <summary>Sinks, each of which gets every item: where overloaded methods are among them, which have no type of their own.</summary>
        [OverloadResolutionPriority(-2)]
        public static Sink<TIn> operator |(Pipe<TIn, T> pipe, Action<T>[] sinks) => pipe.End((SinkCollection<T>)[.. sinks]);

        /// <summary>Annotates the stage before it.</summary>
        public static Pipe<TIn, T> operator |(Pipe<TIn, T> pipe, StagePolicy annotation) => pipe.Annotate(annotation);

        /// <summary>The stage after it runs in lanes, in order per key.</summary>
        public static Pipe<TIn, T> operator |(Pipe<TIn, T> pipe, KeyedLanes<T> lanes) => pipe.Keyed(lanes);
    }
}
