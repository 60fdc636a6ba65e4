using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Flows;
using Sluice.Hosting.Tests.Http;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>Starts that fail, and whose undoing fails, too.</summary>
[Collection("the exit code of this process")]
public sealed class FailedStartTests : IDisposable
{
    private readonly LogProbe log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => log.Dispose();

    [Fact]
    public async Task AnExecutorThatFailsWhileAFailedStartIsUndoneIsALineInTheLog()
    {
        using IHost host = Build(static sluice => sluice
            .AddProcessor(new Processor("p") { Inputs = ["x"], Outputs = ["y"] }, new Unending())
            .AddPipeline("bad", static _ => Source.From([1]) | (static _ => { }), new() { Outputs = ["nowhere"] }));
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync(Cancellation));
        Assert.Contains("'nowhere'", mistake.Message, StringComparison.Ordinal);
        Assert.Single(log.Lines, static line => line.Text.StartsWith("The DisposeAsync of the executor Unending", StringComparison.Ordinal)
            && line.Text.Contains("no end", StringComparison.Ordinal));
    }

    /// <summary>Everything of Sluice has started then, and the server gets a cancelled token; or a service of the user, which ends with a
    /// cancellation.</summary>
    [Theory]
    [InlineData(HostFailurePolicy.StopHost, false)]
    [InlineData(HostFailurePolicy.Degrade, false)]
    [InlineData(HostFailurePolicy.StopHost, true)]
    [InlineData(HostFailurePolicy.Degrade, true)]
    public async Task AUnitThatFailsBeforeTheServerHasStartedIsTheMistake(HostFailurePolicy policy, bool heedsToken)
    {
        var server = new TaskCompletionSource();
        WebApplicationBuilder builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0", $"--Sluice:OnFailure={policy}"]);
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddSluice().AddPipeline("broken", _ => Source.From([1]) | BreakAsync | Stage.Named("break"));
        builder.Services.AddSingleton<IHostedService>(container => new Between(server, policy, heedsToken, log,
            container.GetRequiredService<IHostApplicationLifetime>()));
        await using WebApplication app = builder.Build();
        Exception failure = await Assert.ThrowsAnyAsync<Exception>(() => app.StartAsync(Cancellation));
        StartMistake? mistake = StartMistake.Find(failure);
        Assert.Equal(policy == HostFailurePolicy.StopHost
            ? (1, "The host did not start: the pipeline broken has failed for good, at the node 'break': no good")
            : (0, "The host was asked to stop before it had started."), (mistake?.ExitCode, mistake?.Text));
        Environment.ExitCode = 0;

        async Task BreakAsync(int number)
        {
            await server.Task;
            throw new FormatException($"no good{(number == 1 ? "" : number)}");
        }
    }

    /// <summary>A service that was added before Sluice starts before it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStopWhileAServiceBeforeSluiceStartsIsTheReason(bool awaitsLifetime)
    {
        using IHost host = BuildStopping(awaitsLifetime);
        Exception failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.StartAsync(Cancellation));
        host.Dispose();
        StartMistake? mistake = StartMistake.Find(failure);
        Assert.Equal((0, "The host was asked to stop before it had started."), (mistake?.ExitCode, mistake?.Text));
    }

    [Fact]
    public async Task TheReasonOfAHostIsNotThatOfOtherHostsOrCancellations()
    {
        using IHost host = BuildStopping(false), next = Build(static sluice => sluice);
        Exception failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.StartAsync(Cancellation));
        using var own = new CancellationTokenSource();
        await own.CancelAsync();
        Assert.Null(StartMistake.Find(new OperationCanceledException(own.Token)));
        Assert.Null(StartMistake.Find(new TaskCanceledException("The request was cancelled: HttpClient.Timeout.")));
        await next.StartAsync(Cancellation);
        Assert.Equal(0, StartMistake.Find(failure)?.ExitCode);
        await next.StopAsync(Cancellation);
        Assert.Equal(0, StartMistake.Find(failure)?.ExitCode);
        CancellationToken stopped = next.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        Assert.Null(StartMistake.Find(new OperationCanceledException(stopped)));         // it had started
    }

    private IHost BuildStopping(bool awaitsLifetime)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.None);
        builder.Services.AddSingleton<IHostedService>(container => new Stopping(awaitsLifetime,
            container.GetRequiredService<IHostApplicationLifetime>()));
        builder.Services.AddSluice(static sluice => sluice.UseStore(static _ => new(new MemoryStreamStore())));
        return builder.Build();
    }

    private IHost Build(Func<SluiceBuilder, SluiceBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.None);
        add(builder.Services.AddSluice(static sluice => sluice.UseStore(static _ => new(new MemoryStreamStore()))));
        return builder.Build();
    }

    /// <summary>Starts between Sluice and the server: lets the pipeline fail, and waits until the host stops. If the host goes on by its
    /// policy, stops it. Otherwise the host sets the exit code behind the line in the log, and stops then.</summary>
    private sealed class Between(TaskCompletionSource server, HostFailurePolicy policy, bool heedsToken, LogProbe log,
        IHostApplicationLifetime lifetime) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            server.SetResult();
            while (!lifetime.ApplicationStopping.IsCancellationRequested)
            {
                if (policy == HostFailurePolicy.Degrade && log.Lines.Any(static line => line.Level == LogLevel.Error))
                    lifetime.StopApplication();
                await Task.Yield();
            }
            if (heedsToken) await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>Is asked to stop while it starts, and ends with a cancellation.</summary>
    private sealed class Stopping(bool awaitsLifetime, IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            lifetime.StopApplication();
            return Task.Delay(Timeout.Infinite, awaitsLifetime ? lifetime.ApplicationStopping : cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Unending : IExecutor, IAsyncDisposable
    {
        public Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation) => call.RunHereAsync(cancellation);

        public ValueTask DisposeAsync() => throw new IOException("no end");
    }
}
