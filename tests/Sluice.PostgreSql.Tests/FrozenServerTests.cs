using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>A store over a server that does not answer is disposed in time, also if its commands have no timeout. In real time.</summary>
public class FrozenServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task ADisposalEndsAlthoughTheServerIsFrozen(bool ownsSource, bool isCalled)
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        string address = $"{server.Address};Command Timeout=0";
        PostgresStoreOptions options = new() { Schema = SharedServer.NewSchema(), Timeout = TimeSpan.FromSeconds(2) };
        NpgsqlDataSource source = NpgsqlDataSource.Create(address);
        PostgresStreamStore store = ownsSource ? await PostgresStreamStore.OpenAsync(address, options, Cancellation)
            : await PostgresStreamStore.OpenAsync(source, options, Cancellation);
        await store.OpenStreamAsync("orders", cancellation: Cancellation);
        await server.PauseAsync();
        Task<StreamInfo> call = isCalled ? store.OpenStreamAsync("others", cancellation: Cancellation).AsTask()
            : Task.FromResult<StreamInfo>(null!);
        await store.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        Assert.Equal(isCalled, !call.IsCompleted);
        await server.ResumeAsync();
        await ((Task)call).WaitAsync(Patience, Cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await source.DisposeAsync();
    }
}
