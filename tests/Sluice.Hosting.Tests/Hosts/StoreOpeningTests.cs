using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Hosting.Tests.Http;
using Sluice.Sqlite;

namespace Sluice.Hosting.Tests;

/// <summary>What a host says of its store when it starts.</summary>
public sealed class StoreOpeningTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-opening-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task AStoreThatCannotBeOpenedIsOneLineWithoutAStackTrace()
    {
        string path = Path.Combine(directory.FullName, "shop.db");
        await using SqliteStreamStore first = await SqliteStreamStore.OpenAsync(path, Durability.Process);
        var inUse = await Assert.ThrowsAnyAsync<StoreInUseException>(() => StartAsync(path));
        Assert.StartsWith($"The store {path} is open already", $"{inUse}", StringComparison.Ordinal);
        Assert.DoesNotContain('\n', $"{inUse}");

        var failed = await Assert.ThrowsAnyAsync<StreamStoreException>(() => StartAsync(directory.FullName));
        Assert.Contains("it is a directory", $"{failed}", StringComparison.Ordinal);
        Assert.DoesNotContain('\n', $"{failed}");
    }

    [Fact]
    public async Task TheLogNamesTheStoreOfTheCode()
    {
        string path = Path.Combine(directory.FullName, "shop.db");
        LogProbe log = await StartAsync(path);
        Assert.Contains(log.Lines, line => line.Text.Contains($"Sluice uses the store sqlite:{path}", StringComparison.Ordinal));
    }

    private static async Task<LogProbe> StartAsync(string path)
    {
        var log = new LogProbe();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddProvider(log);
        builder.Services.AddSluice(sluice => sluice.UseSqlite(path));
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await host.StopAsync(Cancellation);
        return log;
    }
}
