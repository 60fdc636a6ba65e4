using System.Collections.Concurrent;
using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>Parameters whose values another function provides: <c>[Depends]</c>.</summary>
public class DependsTests
{
    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"] };
    private static readonly Flow Working = Flow.From(Work).Resolve();
    private readonly ConcurrentQueue<string> log = [];

    private sealed record Session(string Name, ConcurrentQueue<string> Log) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Log.Enqueue($"{Name} closed");
            return default;
        }
    }

    private sealed class Lock(ConcurrentQueue<string> log) : IDisposable
    {
        public void Dispose() => log.Enqueue("lock freed");
    }

    private async Task<Session> OpenAsync(CancellationToken cancellation, string name = "session")
    {
        await Task.Yield();
        cancellation.ThrowIfCancellationRequested();
        log.Enqueue($"{name} opened");
        return new(name, log);
    }

    private ValueTask<Lock> TakeLock([Depends(nameof(OpenAsync))] Session session)
    {
        log.Enqueue($"lock taken in {session.Name}");
        return new(new Lock(log));
    }

    private static async Task<int> FirstAsync(IO<int> x) => await x.FirstAsync();

    [Fact]
    public async Task AProvidedValueIsMadeOncePerInvocationAndThenDisposed()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, PrintAsync);
        for (int i = 0; i < 2; i++)
        {
            await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 20 + i)], cancellation: FlowLab.Cancellation);
            Assert.Equal([20 + i], await FlowLab.ReadAsync(run.Output<int>("y")));
            Assert.Equal(["session opened", "lock taken in session", $"work with session and {20 + i}", "lock freed", "session closed"],
                log);
            log.Clear();
        }

        async IAsyncEnumerable<IOVal> PrintAsync([Depends(nameof(TakeLock))] Lock taken, [Depends(nameof(OpenAsync))] Session session,
            [Depends(typeof(DependsTests), nameof(FirstAsync))] int first)
        {
            Assert.NotNull(taken);
            log.Enqueue($"work with {session.Name} and {first}");
            await Task.Yield();
            yield return IOVal.Of("y", first);
        }
    }

    [Fact]
    public async Task AFailedProviderFailsTheProcessorAndProvidedValuesAreDisposed()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, WorkAsync);
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        var failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.EndsWith("the processor work has: IOException: no lock", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["session opened", "session closed"], log);
    }

    [Fact]
    public async Task AStaticLocalFunctionMayProvideAParameter()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        service.Register(Work, static ([Depends(nameof(Seven))] int seven) => Task.FromResult(seven));
        await using FlowRun run = await service.StartAsync(Working, [IOVal.Of("x", 1)], cancellation: FlowLab.Cancellation);
        Assert.Equal([7], await FlowLab.ReadAsync(run.Output<int>("y")));
        Assert.Equal(
            "The function of the processor work cannot be bound: its parameter p depends on Count, which is neither a method of "
                + "DependsTests nor a static local function there.",
            Assert.Throws<ArgumentException>(() => service.Register(Work, ([Depends(nameof(Count))] int p) => Task.FromResult(p))).Message);

        static int Seven() => 7;
        int Count() => run.Id.Length;
    }

    [Fact]
    public async Task AnErrorNamesTheParameterThatCannotBeProvided()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        Assert.Equal(
            "The function of the processor work cannot be bound: its parameter p depends on Nowhere, which is neither a method of "
                + "DependsTests nor a static local function there.",
                Refused(([Depends(typeof(DependsTests), "Nowhere")] int p) => Task.FromResult(p)));
        Assert.Equal(
            "The function of the processor work cannot be bound: its parameter p is a string, and FirstAsync, on which it depends, "
                + "returns Task<int>.", Refused(([Depends(nameof(FirstAsync))] string p) => Task.FromResult(p)));
        Assert.Equal(
            "The function of the processor work cannot be bound: the parameter b of Egg, which provides one of its parameters, depends on "
                + "itself: Hen -> Egg -> Hen.", Refused(([Depends(nameof(Hen))] int p) => Task.FromResult(p)));
        Assert.StartsWith(
            "The function of the processor work cannot be bound: the parameter uri of Remote, which provides one of its parameters, is a "
                + "Uri: neither an input", Refused(([Depends(nameof(Remote))] int p) => Task.FromResult(p)), StringComparison.Ordinal);
        Assert.StartsWith("The function of the processor work cannot be bound: its parameter p depends on Twice, of which",
            Refused(([Depends(typeof(DependsTests), nameof(Twice))] int p) => Task.FromResult(p)), StringComparison.Ordinal);
        Assert.StartsWith(
            "The function of the processor work cannot be bound: its parameter p depends on OpenAsync of DependsTests, which is not static",
                Refused(static ([Depends(nameof(OpenAsync))] Session p) => Task.FromResult(1)), StringComparison.Ordinal);

        string Refused(Delegate function) => Assert.Throws<ArgumentException>(() => service.Register(Work, function)).Message;
    }

    private Task<int> WorkAsync([Depends(nameof(OpenAsync))] Session session, [Depends(nameof(Refuse))] Lock refused)
    {
        log.Enqueue($"work with {session} and {refused}");
        return Task.FromResult(1);
    }

    private static Lock Refuse() => throw new IOException("no lock");

    private static int Hen([Depends(nameof(Egg))] int a) => a;

    private static int Egg([Depends(nameof(Hen))] int b) => b;

    private static int Remote(Uri uri) => uri.Port;

    private static int Twice() => 1;

    private static int Twice(CancellationToken cancellation) => cancellation.CanBeCanceled ? 1 : 2;
}
