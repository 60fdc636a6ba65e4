using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Hosting.Tests.Http;
using Sluice.PostgreSql;
using Sluice.PostgreSql.Tests;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>The store of a host: the log names it, and one that cannot be opened is one line.</summary>
[StartsProcesses]
public sealed class StoreOpeningTests : IDisposable
{
    private const string Password = "very-secret";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-opening-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string File => Path.Combine(directory.FullName, "orders.db");

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task TheLogNamesTheFileOfTheStoreByItsWholePath(bool isConfigured, bool isRelative)
    {
        string path = isRelative ? Path.GetRelativePath(Environment.CurrentDirectory, File) : File;
        using IHost host = isConfigured ? Build($"sqlite:{path}", static _ => { }, out LogProbe log)
            : Build(null, sluice => sluice.UseSqlite(path), out log);
        await host.StartAsync(Cancellation);
        await host.StopAsync(Cancellation);
        Assert.Contains(log.Lines, line => line.Text == $"Sluice uses the store sqlite:{File}");
    }

    [Fact]
    public async Task TheLogNamesAServerWithoutItsPassword()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", Password);
        using IHost host = Build(null, sluice => sluice.UseRedis($"{server.Address},password={Password}"), out LogProbe log);
        await host.StartAsync(Cancellation);
        await host.StopAsync(Cancellation);
        string named = Assert.Single(log.Lines, static line
            => line.Text.StartsWith("Sluice uses the store", StringComparison.Ordinal)).Text;
        Assert.StartsWith($"Sluice uses the store redis:{server.Address}", named, StringComparison.Ordinal);
        Assert.DoesNotContain(log.Lines, static line => line.Text.Contains(Password, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("no/such/orders.db", true, "its directory does not exist. Make it first.")]
    [InlineData("no/such/orders.db", false, "its directory does not exist. Make it first.")]
    [InlineData("folder", true, "folder")]
    [InlineData("notes.txt", true, "is no SQLite database")]
    [InlineData("used.db", true, "is open already, in another process or by another object in this one")]
    [InlineData("used.db", false, "is open already, in another process or by another object in this one")]
    public async Task AFileThatCannotBeOpenedIsOneLine(string name, bool isConfigured, string part)
    {
        directory.CreateSubdirectory("folder");
        await System.IO.File.WriteAllTextAsync(Path.Combine(directory.FullName, "notes.txt"), new string('x', 5000), Cancellation);
        await using SqliteStreamStore used = await SqliteStreamStore.OpenAsync(Path.Combine(directory.FullName, "used.db"),
            Durability.Process, null, Cancellation);
        string path = Path.Combine(directory.FullName, name);
        using IHost host = isConfigured ? Build($"sqlite:{path}", static _ => { }, out _)
            : Build(null, sluice => sluice.UseSqlite(path), out _);
        await FailsAsync(host, isConfigured, part);
    }

    [Fact]
    public async Task AServerThatRefusesThePasswordIsOneLineWithoutIt()
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", Password);
        using IHost host = Build($"redis:{server.Address},password=other-secret", static _ => { }, out _);
        await FailsAsync(host, isConfigured: true, "password");
    }

    [Fact]
    public async Task AHostOverPostgreSqlProcessesItemsOverARestartOfTheServerAndHidesThePassword()
    {
        await using PostgresServer server = await PostgresServer.StartAsync();
        var seen = new ConcurrentQueue<int>();
        using IHost host = Build($"postgres:{server.Address};Schema=shop", static _ => { }, out LogProbe log,
            sluice => sluice.AddConsecutor<int>("numbers", (_, source) => source | seen.Enqueue));
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        await server.KillAsync();
        Task sending = numbers.SendAsync(2, Cancellation).AsTask();
        await server.StartAgainAsync();
        await sending;
        await numbers.WaitForIdleAsync(Cancellation);
        await host.StopAsync(Cancellation);
        Assert.Equal([1, 2], seen);
        Assert.Contains(log.Lines, line => line.Text.StartsWith($"Sluice uses the store postgres:127.0.0.1:{server.Port}",
            StringComparison.Ordinal));
        Assert.DoesNotContain(log.Lines, static line => line.Text.Contains("secret", StringComparison.Ordinal));
        string wrong = server.Address.Replace("=secret", "=other-secret", StringComparison.Ordinal);
        await FailsAsync(Build($"postgres:{wrong}", static _ => { }, out _), isConfigured: true, "refuses the user sluice");
        await FailsAsync(Build(null, sluice => sluice.UsePostgres(wrong), out _), isConfigured: false, "refuses the user sluice");
        using IHost named = Build(null, sluice => sluice.UsePostgres(server.Address), out LogProbe said);
        await named.StartAsync(Cancellation);
        await named.StopAsync(Cancellation);
        Assert.Contains(said.Lines, line => line.Text.StartsWith($"Sluice uses the store postgres:127.0.0.1:{server.Port}",
            StringComparison.Ordinal));
    }

    private static async Task FailsAsync(IHost host, bool isConfigured, string part)
    {
        var failure = await Assert.ThrowsAnyAsync<StreamStoreException>(() => host.StartAsync(Cancellation));
        Assert.Contains(part, failure.Message, StringComparison.Ordinal);
        Assert.Equal(isConfigured, failure.Message.StartsWith("Sluice:Store cannot be used. ", StringComparison.Ordinal));
        Assert.DoesNotContain('\n', failure.Message);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
        Assert.Equal(failure.Message, failure.ToString());             // hosts and the runtime write that
        Assert.IsAssignableFrom<StreamStoreException>(failure.InnerException);
    }

    private static IHost Build(string? setting, Action<SluiceOptions> configure, out LogProbe log,
        Action<SluiceBuilder>? add = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log = new LogProbe());
        if (setting is not null) builder.Configuration["Sluice:Store"] = setting;
        SluiceBuilder sluice = builder.Services.AddSluice(configure);
        add?.Invoke(sluice);
        return builder.Build();
    }
}
