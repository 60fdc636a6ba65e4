using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Graphs;
using Sluice.Hosting.Tests.Http;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>A unit that an endpoint or a service asks for before the host starts: if it cannot be made, the error names it.</summary>
public sealed class EarlyUnitTests : StartMistakeTestBase
{
    [Fact]
    public Task AServiceThatTheConsecutorOfAnEndpointLacksIsOneLine()
        => IsAsync(2, $"the consecutor texts cannot be made: No service for type '{typeof(Missing).FullName}' has been registered.",
            add: static sluice => sluice.AddConsecutor<string>("texts", static (services, source) =>
            {
                services.GetRequiredService<Missing>();
                return source | (static _ => { });
            }),
            map: static app => app.MapProducer<string>("/texts"));

    [Theory]
    [InlineData("an endpoint")]
    [InlineData("a sender")]
    [InlineData("a graph")]
    [InlineData("another consecutor")]
    public async Task CodeThatThrowsKeepsItsStackTraceAndIsNamed(string what)
    {
        await using WebApplication app = Build(new LogProbe(), ["--urls=http://127.0.0.1:0"], static sluice => sluice
            .AddConsecutor<long>("longs", static (services, source) => source | services.GetRequiredService<ISender<string>>().SendText)
            .AddConsecutor<string>("texts", static (_, _) => throw new FormatException("no good"))
            .AddGraph<string>(static _ => throw new FormatException("no good")), null);
        Exception failure = Assert.ThrowsAny<Exception>(() => _ = what switch
        {
            "an endpoint" => app.MapProducer<string>("/texts"),
            "a sender" => app.Services.GetRequiredService<ISender<string>>(),
            "a graph" => app.Services.GetRequiredService<Graph<string>>(),
            _ => (object)app.MapProducer<long>("/longs"),
        });
        string unit = what == "a graph" ? "the graph for requests of the type string" : "the consecutor texts";
        Assert.Equal($"{unit} cannot be made: its code has thrown FormatException: no good", failure.Message);
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.Null(StartMistake.Find(failure));
        Assert.Contains(nameof(EarlyUnitTests), failure.ToString(), StringComparison.Ordinal);
        Exception again = await Assert.ThrowsAnyAsync<Exception>(() => app.StartAsync(Cancellation));
        Assert.Equal("the consecutor texts cannot be made: its code has thrown FormatException: no good", again.Message);
    }

    /// <summary>A send before the start opens the store. Its stream would keep the wrong number of partitions for ever.</summary>
    [Theory]
    [InlineData("""{"numbers": {"Stream": {"Partition": 16}}}""", "Sluice:Consecutors:numbers:Stream:Partition: ")]
    [InlineData("""{"number": {"Stream": {"Partitions": 16}}}""", "Sluice:Consecutors:number ")]
    public async Task ASendBeforeTheStartMakesNoStreamIfTheSettingsAreWrong(string consecutors, string line)
    {
        var store = new MemoryStreamStore();
        await IsAsync(2, line, $"{{\"Sluice\": {{\"Consecutors\": {consecutors}}}}}",
            configure: builder =>
            {
                builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(store)));
                builder.Services.Insert(0, ServiceDescriptor.Singleton<IHostedService, EarlySender>());
            });
        Assert.Empty(await store.ListStreamsAsync("", Cancellation));
    }

    private sealed class EarlySender(IServiceProvider services) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
            => await services.GetRequiredService<ISender<int>>().SendAsync(1, cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private sealed class Missing;
}

file static class Senders
{
    public static Task SendText(this ISender<string> sender, long number, CancellationToken cancellation)
        => sender.SendAsync($"{number}", cancellation).AsTask();
}
