using System.Collections.Concurrent;
using Npgsql;
using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// An administrator drops the tables of a store that may not create any, and makes them again: services go on without a restart.
/// </summary>
public sealed class TablesMadeAgainTests(SharedServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly Processor Doubles = new("doubles") { Inputs = ["x"], Outputs = ["y"] };

    private readonly string schema = SharedServer.NewSchema();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AProcessorIsHostedAgain()
    {
        await MakeAsync();
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address,
            new() { Schema = schema, AutoCreate = false, PollInterval = TimeSpan.FromMilliseconds(200) }, Cancellation);
        ConcurrentQueue<string> warnings = [];
        await using var service = Supervisor.Attach(store, new() { OnWarning = warnings.Enqueue });
        service.Register(Doubles, async (IO<int> x) => 2 * await x.FirstAsync());
        Assert.Equal(2, await DoubleAsync(service, 1));

        await DropAsync();
        while (warnings.Count(static text => text.StartsWith("This service starts its work", StringComparison.Ordinal)) < 2)
        {
            if (service.Problem is { } problem)
                Assert.StartsWith("The processor doubles is not hosted here now, and its work is tried again: ", problem,
                    StringComparison.Ordinal);
            await Task.Delay(1, Cancellation);
        }
        await MakeAsync();
        while (true)
            try
            {
                Assert.Equal(4, await DoubleAsync(service, 2));
                break;
            }
            catch (StoreRolledBackException)
            {
                // the loss is reported to the first caller, if the host has not noticed it before
            }
        while (service.Problem is not null) await Task.Delay(1, Cancellation);           // the round that has begun the run ends
    }

    // It locks one table after the other, the calls of the service do so in another order, and PostgreSQL ends one of the two. An
    // administrator then says it again.
    private async Task DropAsync()
    {
        while (true)
            try
            {
                await server.Server.AskAsync($"DROP SCHEMA {schema} CASCADE");
                return;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected)
            {
                Cancellation.ThrowIfCancellationRequested();
            }
    }

    private Task<object?> MakeAsync() => server.Server.AskAsync(PostgresStreamStore.SchemaSql(schema, "sluice"));

    private static async Task<int> DoubleAsync(Supervisor service, int value)
    {
        await using FlowRun run = await service.StartAsync(Flow.From(Doubles).Resolve(), [IOVal.Of("x", value)],
            cancellation: Cancellation);
        return await run.Output<int>("y").FirstAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation);
    }
}
