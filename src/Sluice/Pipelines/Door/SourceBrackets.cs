using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The bracket form: <c>source &lt; [branch, branch] &gt; function</c>. C# wants both operators for every right side; those that mean nothing do not compile.</summary>
public static class SourceBrackets
{
    extension<T, TOut>(Source<T>)
    {
        /// <summary>Branches, each of which gets every item; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Source<TOut> operator <(Source<T> source, Pipe<T, TOut>[] branches) => source.Broadcast(branches);

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator >(Source<T> source, Pipe<T, TOut>[] branches) => throw new NotSupportedException();

        /// <summary>Branches, each of which gets every item; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Source<TOut> operator <(Source<T> source, Func<Source<T>, Source<TOut>>[] branches) => source.Broadcast(branches);

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator >(Source<T> source, Func<Source<T>, Source<TOut>>[] branches) => throw new NotSupportedException();

        /// <summary>Pipes and a router, which gives each item to one of them; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Source<TOut> operator <(Source<T> source, BranchOrRouter<T, TOut>[] branches) => source | branches;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator >(Source<T> source, BranchOrRouter<T, TOut>[] branches) => throw new NotSupportedException();

        /// <summary>Branches, one of which gets each item; what comes out of them is merged and goes on behind <c>&gt;</c>.</summary>
        public static Source<TOut> operator <(Source<T> source, Routing<T, TOut> routing) => source.Route(routing);

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator >(Source<T> source, Routing<T, TOut> routing) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Source<TOut> operator >(Source<T> source, Func<T, TOut> map) => source | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator <(Source<T> source, Func<T, TOut> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Source<TOut> operator >(Source<T> source, Func<T, Task<TOut>> map) => source | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Source<TOut> operator <(Source<T> source, Func<T, Task<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Source<TOut> operator >(Source<T> source, Func<T, ValueTask<TOut>> map) => source | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator <(Source<T> source, Func<T, ValueTask<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Source<TOut> operator >(Source<T> source, Func<T, CancellationToken, Task<TOut>> map) => source | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Source<TOut> operator <(Source<T> source, Func<T, CancellationToken, Task<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Source<TOut> operator >(Source<T> source, Func<T, CancellationToken, ValueTask<TOut>> map) => source | map;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator <(Source<T> source, Func<T, CancellationToken, ValueTask<TOut>> map) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Source<TOut> operator >(Source<T> source, Func<T, IEnumerable<TOut>> many) => source | many;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator <(Source<T> source, Func<T, IEnumerable<TOut>> many) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Source<TOut> operator >(Source<T> source, Func<T, IAsyncEnumerable<TOut>> many) => source | many;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator <(Source<T> source, Func<T, IAsyncEnumerable<TOut>> many) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Source<TOut> operator >(Source<T> source, Func<T, CancellationToken, IAsyncEnumerable<TOut>> many) => source | many;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator <(Source<T> source, Func<T, CancellationToken, IAsyncEnumerable<TOut>> many) => throw new NotSupportedException();

        /// <summary>Goes on behind the branches.</summary>
        public static Source<TOut> operator >(Source<T> source, Pipe<T, TOut> next) => source | next;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Source<TOut> operator <(Source<T> source, Pipe<T, TOut> next) => throw new NotSupportedException();
    }

    extension<T>(Source<T>)
    {
        /// <summary>Ends behind the branches.</summary>
        public static Pipeline operator >(Source<T> source, Action<T> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipeline operator <(Source<T> source, Action<T> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator >(Source<T> source, Func<T, Task> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Pipeline operator <(Source<T> source, Func<T, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Pipeline operator >(Source<T> source, Func<T, ValueTask> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipeline operator <(Source<T> source, Func<T, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator >(Source<T> source, Func<T, CancellationToken, Task> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Pipeline operator <(Source<T> source, Func<T, CancellationToken, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Pipeline operator >(Source<T> source, Func<T, CancellationToken, ValueTask> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipeline operator <(Source<T> source, Func<T, CancellationToken, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator >(Source<T> source, Func<T, ItemContext, Task> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Pipeline operator <(Source<T> source, Func<T, ItemContext, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Pipeline operator >(Source<T> source, Func<T, ItemContext, ValueTask> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipeline operator <(Source<T> source, Func<T, ItemContext, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        [OverloadResolutionPriority(1)]
        public static Pipeline operator >(Source<T> source, Func<T, ItemContext, CancellationToken, Task> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        [OverloadResolutionPriority(1)]
        public static Pipeline operator <(Source<T> source, Func<T, ItemContext, CancellationToken, Task> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Pipeline operator >(Source<T> source, Func<T, ItemContext, CancellationToken, ValueTask> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipeline operator <(Source<T> source, Func<T, ItemContext, CancellationToken, ValueTask> sink) => throw new NotSupportedException();

        /// <summary>Ends behind the branches.</summary>
        public static Pipeline operator >(Source<T> source, Sink<T> sink) => source | sink;

        /// <summary>The wrong way round.</summary>
        [Obsolete("SLU006: the bracket form is `source < [branch, branch] > function`: '<' before the branches, '>' behind them.", error: true)]
        public static Pipeline operator <(Source<T> source, Sink<T> sink) => throw new NotSupportedException();
    }
}
