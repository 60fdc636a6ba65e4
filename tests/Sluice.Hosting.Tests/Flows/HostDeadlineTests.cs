using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Sqlite;

namespace Sluice.Hosting.Tests;

/// <summary>A host starts and stops within its timeouts, whatever its store does.</summary>
[StartsProcesses]
public sealed class HostDeadlineTests : IDisposable
{
    // In real time: only a call that hangs takes that long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Short = TimeSpan.FromSeconds(2);
    private static readonly Processor Endless = new("endless") { Inputs = ["x"], Outputs = ["y"] };
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-host-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public async Task AFrozenRedisServerDoesNotDelayAStop()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        IHost host = await WorkingAsync(sluice => sluice.UseRedis(server.Address));
        await server.PauseAsync();
        await EndAsync(host);
        await server.ResumeAsync();
    }

    [Fact]
    public async Task ALockedSqliteFileDoesNotDelayAStop()
    {
        string path = Path.Combine(directory.FullName, "store.db");
        IHost host = await WorkingAsync(sluice => sluice.UseSqlite(path, Durability.Process));
        using Process holder = await LockAsync(path);
        await EndAsync(host);
        await UnlockAsync(holder);
    }

    [Theory]
    [InlineData("silent")]
    [InlineData("refused")]
    public async Task AStartGivesUpInTimeIfTheServerIsUnreachable(string kind)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        int port = kind == "silent" ? ((IPEndPoint)silent.LocalEndpoint).Port : 1;
        using IHost host = Build(sluice => sluice.UseRedis($"127.0.0.1:{port}"));

        OperationCanceledException failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.StartAsync(Cancellation)
            .WaitAsync(Patience, Cancellation));

        const string said = "The host gave up starting (HostOptions.StartupTimeout, or the token of the start): the stream store was not "
            + "open yet. Does its server answer, or does another process hold its file?";
        Assert.Equal(said, failure.Message);
        StartMistake? mistake = StartMistake.Find(failure);
        Assert.NotNull(mistake);
        Assert.Equal((3, said), (mistake.ExitCode, mistake.Text));
    }

    private static IHost Build(Action<SluiceOptions> configure, TimeSpan? startup = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.Configure<HostOptions>(options => (options.ShutdownTimeout, options.StartupTimeout) = (Short, startup ?? Short));
        builder.Services.AddSluice(configure).AddProcessor(Endless, async (IO<int> x, CancellationToken cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return 0;
        });
        return builder.Build();
    }

    // Starts a host whose processor is in the middle of a run.
    private static async Task<IHost> WorkingAsync(Action<SluiceOptions> configure)
    {
        IHost host = Build(configure, Patience);
        await host.StartAsync(Cancellation);
        FlowRun run = await host.Services.GetRequiredService<ISupervisor>()
            .StartAsync(Flow.From(Endless).Resolve(), [IOVal.Of("x", 1)], cancellation: Cancellation);
        while ((await run.GetStatusAsync(Cancellation)).Processors.Single().Status != FlowStatus.Running) await Task.Yield();
        return host;
    }

    // A stop takes no longer than ShutdownTimeout. Patience is for a busy machine.
    private static async Task EndAsync(IHost host)
    {
        await host.StopAsync(Cancellation).WaitAsync(Patience, Cancellation);
        await ((IAsyncDisposable)host).DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
    }

    private static async Task<Process> LockAsync(string path)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Sluice.Programs.dll"), "store", "lock", path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true
        };
        Process process = Process.Start(start)!;
        Assert.Equal("locked", await process.StandardOutput.ReadLineAsync(Cancellation));
        return process;
    }

    private static async Task UnlockAsync(Process holder)
    {
        holder.StandardInput.Close();
        await holder.WaitForExitAsync(Cancellation);
    }
}
