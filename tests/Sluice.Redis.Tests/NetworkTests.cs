using Sluice.Flows;
using Sluice.Tests.Delivery;
using Sluice.Tests.Flows;

namespace Sluice.Redis.Tests;

/// <summary>
/// Flows and consecutors over slow connections that are cut in the middle of a message or closed in one direction. No item is lost or
/// doubled, and no run stops.
/// </summary>
public class NetworkTests(SharedServer server)
{
    private const int Items = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6);
    private static readonly int Only = int.Parse(Environment.GetEnvironmentVariable("SLUICE_SEED") ?? "0");
    private static readonly int Count = Environment.GetEnvironmentVariable("SLUICE_NETWORKS") is { } asked ? int.Parse(asked)
        : Repetitions.Of(2, all: 4);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => Only > 0 ? [Only] : [.. Enumerable.Range(1, Count)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task ResultsOfAFlowAreTheSameOverABadNetwork(int seed)
    {
        string prefix = SharedServer.NewPrefix();
        await using var front = new UnreliableProxy(server.Port, seed, mostCuts: 8);
        await using var back = new UnreliableProxy(server.Port, -seed, mostCuts: 12);
        RedisStoreOptions options = Patient.Mortal with { Prefix = prefix };
        await using RedisStreamStore starting = await RedisStreamStore.ConnectAsync(front.Address, options, Cancellation);
        await using RedisStreamStore hosting = await RedisStreamStore.ConnectAsync(back.Address, options, Cancellation);
        await using var starter = Supervisor.Attach(starting, new() { Name = "starter" });
        await using var host = Supervisor.Attach(hosting, new() { Name = "host", MaxStarts = int.MaxValue });
        CrashFlow.Register(host, _ => true);
        await using FlowRun run = await starter.StartAsync(CrashFlow.Everything, [IOVal.Of(CrashFlow.Input, Items)], allOutputs: true,
            cancellation: Cancellation);

        using var standstill = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Dictionary<string, List<string>> results = await CrashFlow.ReadAsync(run, (_, _) => standstill.CancelAfter(Patience),
            standstill.Token);
        await run.Completion.WaitAsync(Patience, Cancellation);

        Assert.Null(CrashFlow.Difference(CrashFlow.Expected(Items), results));
        Assert.True(front.Disturbed > 0 && back.Disturbed > 0, $"Nothing has happened to the connections: {front}; {back}");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task ConsecutorsCompleteEachItemOnceOverABadNetwork(int seed)
    {
        await using var proxy = new UnreliableProxy(server.Port, seed, mostCuts: 12);
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(proxy.Address,
            Patient.Mortal with { Prefix = SharedServer.NewPrefix() }, Cancellation);
        using var standstill = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        standstill.CancelAfter(Patience);
        await new RandomChain(seed, store).PlayAsync(standstill.Token);
        Assert.True(proxy.Disturbed > 0, "Nothing has happened to the connection.");
    }
}
