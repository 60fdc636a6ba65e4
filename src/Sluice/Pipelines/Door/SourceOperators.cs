using Sluice.Pipelines;

namespace Sluice;

/// <summary>The operators <c>|</c> behind a source. The result type of a function decides what kind of stage it becomes.</summary>
[EditorBrowsable(EditorBrowsableState.Never), AlsoForPipes]
public static partial class SourceOperators
{
    extension<T, TOut>(Source<T>)
    {
        /// <summary>A map.</summary>
        [ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, TOut> map) => OperatorFactory.Map(source, map);

        /// <summary>An asynchronous map.</summary>
        [OverloadResolutionPriority(1), ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, Task<TOut>> map) => source.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map.</summary>
        [ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, ValueTask<TOut>> map) => source.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map that takes the token of the run.</summary>
        [OverloadResolutionPriority(1), ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, CancellationToken, Task<TOut>> map)
            => source.Then(OperatorFactory.Map(map));

        /// <summary>An asynchronous map that takes the token of the run.</summary>
        [ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, CancellationToken, ValueTask<TOut>> map)
            => source.Then(OperatorFactory.Map(map));

        /// <summary>A map of each item to many.</summary>
        [ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, IEnumerable<TOut>> many) => source.Then(OperatorFactory.Many(many));

        /// <summary>An asynchronous map of each item to many.</summary>
        [ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, IAsyncEnumerable<TOut>> many)
            => source.Then(OperatorFactory.Many(many));

        /// <summary>An asynchronous map of each item to many that takes the token of the run.</summary>
        [ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<T, CancellationToken, IAsyncEnumerable<TOut>> many)
            => source.Then(OperatorFactory.Many(many));

        /// <summary>The stages of a pipe.</summary>
        [ClosesBrackets]
        public static Source<TOut> operator |(Source<T> source, Pipe<T, TOut> next) => source.Then(next);

        /// <summary>An instance of a node class, for one lane and one run at a time. For several lanes or runs, and in a consecutor, pass a
        /// factory: <c>StageNode.Of(() => new N())</c>.</summary>
        public static Source<TOut> operator |(Source<T> source, StageNode<T, TOut> node)
            => source.Then(new NodeOperator<T, TOut>(() => node, owns: false));

        /// <summary>Branches that get every item; their outputs are merged.</summary>
        [OpensBrackets]
        public static Source<TOut> operator |(Source<T> source, Func<Source<T>, Source<TOut>>[] branches) => source.Broadcast(branches);

        /// <summary>Pipes that get every item; their outputs are merged.</summary>
        [OpensBrackets]
        public static Source<TOut> operator |(Source<T> source, Pipe<T, TOut>[] branches) => source.Broadcast(branches);

        /// <summary>Pipes and a router that gives each item to one of the pipes; the outputs of the pipes are merged.</summary>
        [OpensBrackets]
        public static Source<TOut> operator |(Source<T> source, BranchOrRouter<T, TOut>[] branches)
            => BranchOrRouter<T, TOut>.After(source, branches);

        /// <summary>Branches with a rule that gives each item to one of them; their outputs are merged.</summary>
        [OpensBrackets]
        public static Source<TOut> operator |(Source<T> source, Routing<T, TOut> routing) => source.Route(routing);
    }

    extension<T>(Source<T>)
    {
        /// <summary>A sink: a function that is called with every item.</summary>
        [ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Action<T> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1), ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, Task> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, ValueTask> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1), ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, CancellationToken, Task> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, CancellationToken, ValueTask> sink)
            => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1), ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, Task> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, ValueTask> sink) => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [OverloadResolutionPriority(1), ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, CancellationToken, Task> sink)
            => source.End(OperatorFactory.End(sink));

        /// <summary>A sink: a function that is called with every item.</summary>
        [ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Func<T, ItemContext, CancellationToken, ValueTask> sink)
            => source.End(OperatorFactory.End(sink));

        /// <summary>A sink.</summary>
        [ClosesBrackets]
        public static Pipeline operator |(Source<T> source, Sink<T> sink) => source.End(sink);

        /// <summary>Sinks that get every item.</summary>
        public static Pipeline operator |(Source<T> source, SinkCollection<T> sinks) => source.End(sinks);

        /// <summary>Branches that end in sinks and get every item.</summary>
        public static Pipeline operator |(Source<T> source, Func<Source<T>, Pipeline>[] sinks) => source.End(sinks);

        /// <summary>Sinks that get every item: for lists with overloaded methods, which have no natural type.</summary>
        [OverloadResolutionPriority(-1)]
        public static Pipeline operator |(Source<T> source, Func<T, Task>[] sinks) => source.End((SinkCollection<T>)[.. sinks]);

        /// <summary>Sinks that get every item: for lists with overloaded methods, which have no natural type.</summary>
        [OverloadResolutionPriority(-2)]
        public static Pipeline operator |(Source<T> source, Action<T>[] sinks) => source.End((SinkCollection<T>)[.. sinks]);

        /// <summary>A policy for the stage before it.</summary>
        public static Source<T> operator |(Source<T> source, StagePolicy policy) => source.Annotate(policy);

        /// <summary>Lanes for the stage after it, which keeps the order per key.</summary>
        public static Source<T> operator |(Source<T> source, KeyedLanes<T> lanes) => source.Keyed(lanes);
    }
}
