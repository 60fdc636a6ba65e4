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
    public async Task AFailureWhileAFailedStartIsUndoneDoesNotReplaceItsReason()
    {
        using IHost host = Build(static sluice => sluice
            .AddProcessor(new Processor("p") { Inputs = ["x"], Outputs = ["y"] }, new Unending())
            .AddPipeline("bad", static _ => Source.From([1]) | (static _ => { }), new() { Outputs = ["nowhere"] }));
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync(Cancellation));
        Assert.Contains("'nowhere'", mistake.Message, StringComparison.Ordinal);
        Assert.Single(log.Lines, static line => line.Text.StartsWith("The host did not start, and stopping", StringComparison.Ordinal));
    }

    private IHost Build(Func<SluiceBuilder, SluiceBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.None);
        add(builder.Services.AddSluice(static sluice => sluice.UseStore(static _ => new(new MemoryStreamStore()))));
        return builder.Build();
    }

    private sealed class Unending : IExecutor, IAsyncDisposable
    {
        public Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation) => call.RunHereAsync(cancellation);

        public ValueTask DisposeAsync() => throw new IOException("no end");
    }
}
