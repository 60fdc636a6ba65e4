using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The bracket form: <c>pipe &lt; [branch, branch] &gt; function</c>. C# wants both operators for every right side; those that mean nothing do not compile.</summary>
public static class PipeBrackets
{
    extension<TIn, T, TOut>(Pipe<TIn, T>)
    {
        /// <summary>Branches, each of which gets every item; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Pipe<T, TOut>[] branches) => pipe.Broadcast(branches);

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Pipe<T, TOut>[] branches) => throw new NotSupportedException();

        /// <summary>Branches, each of which gets every item; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<Source<T>, Source<TOut>>[] branches) => pipe.Broadcast(branches);

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<Source<T>, Source<TOut>>[] branches) => throw new NotSupportedException();

        /// <summary>Pipes and a router, which gives each item to one of them; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, BranchOrRouter<T, TOut>[] branches) => pipe | branches;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, BranchOrRouter<T, TOut>[] branches) => throw new NotSupportedException();

        /// <summary>Branches, one of which gets each item; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Routing<T, TOut> routing) => pipe.Route(routing);

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Routing<T, TOut> routing) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, TOut> map) => pipe | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, TOut> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, Task<TOut>> map) => pipe | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, Task<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, ValueTask<TOut>> map) => pipe | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, ValueTask<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, CancellationToken, Task<TOut>> map) => pipe | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, CancellationToken, Task<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, CancellationToken, ValueTask<TOut>> map) => pipe | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, CancellationToken, ValueTask<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, IEnumerable<TOut>> many) => pipe | many;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, IEnumerable<TOut>> many) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, IAsyncEnumerable<TOut>> many) => pipe | many;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, IAsyncEnumerable<TOut>> many) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Func<T, CancellationToken, IAsyncEnumerable<TOut>> many) => pipe | many;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Func<T, CancellationToken, IAsyncEnumerable<TOut>> many) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Pipe<TIn, TOut> operator >(Pipe<TIn, T> pipe, Pipe<T, TOut> next) => pipe | next;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipe<TIn, TOut> operator <(Pipe<TIn, T> pipe, Pipe<T, TOut> next) => throw new NotSupportedException();
    }

    extension<TIn, T>(Pipe<TIn, T>)
    {
        /// <summary>Ends behind the branches.</summary>
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Action<T> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Action<T> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, Task> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, ValueTask> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, CancellationToken, Task> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, CancellationToken, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, CancellationToken, ValueTask> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, CancellationToken, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, ItemContext, Task> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, ItemContext, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, ItemContext, ValueTask> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, ItemContext, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, ItemContext, CancellationToken, Task> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, ItemContext, CancellationToken, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Func<T, ItemContext, CancellationToken, ValueTask> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Func<T, ItemContext, CancellationToken, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Sink<TIn> operator >(Pipe<TIn, T> pipe, Sink<T> sink) => pipe | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Sink<TIn> operator <(Pipe<TIn, T> pipe, Sink<T> sink) => throw new NotSupportedException();
    }
}
