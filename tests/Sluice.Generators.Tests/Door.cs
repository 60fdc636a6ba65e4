namespace Sluice.Generators.Tests;

/// <summary>The least of Sluice's door that the rules look at, until the library itself is there.</summary>
internal static class Door
{
    public const string Declaration = """
        using System.Collections;
        using System.Runtime.CompilerServices;
        namespace Sluice
        {
            public enum ExecutionMode { SingleThread, MultiThread }
            public sealed class Run : IAsyncDisposable
            {
                public Task Completion => Task.CompletedTask;
                public Task DrainAsync(TimeSpan deadline) => Task.CompletedTask;
                public ValueTask DisposeAsync() => default;
                public void Cancel() { }
                public string Snapshot() => "";
                public System.Threading.Channels.ChannelReader<T> Output<T>(string name) => null!;
            }
            public sealed class Pipeline
            {
                public Run Start(ExecutionMode mode = default, CancellationToken cancellation = default) => new();
                public Task RunAsync(CancellationToken cancellation = default) => Task.CompletedTask;
            }
            public sealed class Sink<T>;
            public sealed class Stage { public static Stage Parallel(int lanes) => new(); }
            public sealed class Sinks<T> : IEnumerable
            {
                public void Add(Action<T> sink) { }
                [OverloadResolutionPriority(1)] public void Add(Func<T, Task> sink) { }
                public IEnumerator GetEnumerator() => throw new NotSupportedException();
            }
            public sealed class Source<T>
            {
                public Source<B> Select<B>(Func<T, B> map) => new();
                public Source<T> Where(Func<T, bool> predicate) => new();
                public Source<T> Do(Action<T> action) => new();
                public Pipeline To(Action<T> sink) => new();
                public Source<(K, T)> GroupBy<K>(Func<T, K> key) => new();
                public Source<B> Route<B>(Func<T, string> route, params (string, Func<Source<T>, Source<B>>)[] branches) => new();
            }
            public sealed class Pipe<TIn, TOut>
            {
                public Pipe<TIn, B> Select<B>(Func<TOut, B> map) => new();
            }
            public static class Source { public static Source<T> Of<T>(IEnumerable<T> items) => new(); }
            public static class Pipe { public static Pipe<T, T> Of<T>() => new(); }
            public static class Operators
            {
                extension<A, B>(Source<A>)
                {
                    public static Source<B> operator |(Source<A> source, Func<A, B> map) => new();
                    [OverloadResolutionPriority(1)] public static Source<B> operator |(Source<A> source, Func<A, Task<B>> map) => new();
                    public static Source<B> operator |(Source<A> source, Func<A, ValueTask<B>> map) => new();
                    public static Source<B> operator |(Source<A> source, Func<A, IEnumerable<B>> map) => new();
                }
                extension<A>(Source<A>)
                {
                    public static Pipeline operator |(Source<A> source, Action<A> sink) => new();
                    [OverloadResolutionPriority(1)] public static Pipeline operator |(Source<A> source, Func<A, Task> sink) => new();
                    public static Source<A> operator |(Source<A> source, Stage stage) => new();
                    public static Pipeline operator |(Source<A> source, Sinks<A> sinks) => new();
                }
                extension<I, A, B>(Pipe<I, A>)
                {
                    public static Pipe<I, B> operator |(Pipe<I, A> pipe, Func<A, B> map) => new();
                    [OverloadResolutionPriority(1)] public static Pipe<I, B> operator |(Pipe<I, A> pipe, Func<A, Task<B>> map) => new();
                }
            }
        }
        """;
}
