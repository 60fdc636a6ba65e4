using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Sluice.Storage;

namespace Sluice.Celery.Tests;

/// <summary>Arguments and options that are refused before anything is sent.</summary>
public sealed class TaskArgumentTests : IAsyncDisposable
{
    private readonly PlayedBroker broker = new();
    private readonly CeleryClient celery;

    public TaskArgumentTests() => celery = new(broker, BrokerAddress.Parse("redis://127.0.0.1:1"));

    public ValueTask DisposeAsync() => celery.DisposeAsync();

    /// <summary>The argument behind a null that is left out would take its place.</summary>
    [Theory]
    [InlineData(JsonIgnoreCondition.WhenWritingNull)]
    [InlineData(JsonIgnoreCondition.WhenWritingDefault)]
    public async Task ATupleOfWhichTheSerializerLeavesElementsOutIsRefused(JsonIgnoreCondition ignored)
    {
        CeleryTaskOptions positional = new()
        {
            Arguments = CeleryArguments.Positional,
            Serializers = PayloadSerializers.JsonOf(new JsonSerializerOptions
            {
                IncludeFields = true,
                DefaultIgnoreCondition = ignored,
                TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            }),
        };
        Assert.Equal("The tuple for the task resize has 3 elements, and its JSON 2: the serializer leaves some out "
            + "(JsonSerializerOptions.DefaultIgnoreCondition), so later arguments would move.",
            await RefusedAsync(("a", (string?)null, 5), positional));
        Assert.Contains("has 9 elements, and its JSON 2:", await RefusedAsync(("a", (string?)null, (string?)null, (string?)null,
            (string?)null, (string?)null, (string?)null, (string?)null, 5), positional), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PositionalArgumentsAreATupleOrAnArray()
        => Assert.EndsWith("is Object in JSON, and for CeleryArguments.Positional it must be an array or a tuple.",
            await RefusedAsync(new Size("a", 5), new() { Arguments = CeleryArguments.Positional }), StringComparison.Ordinal);

    [Fact]
    public void ATaskThatReturnsBytesHasATextOfBase64() => Assert.StartsWith("Tasks of Celery take and return JSON, so their values cannot "
        + "be byte[]. Use a string: of a task that returns bytes, it is their base64.",
        Assert.Throws<ArgumentException>(() => celery.Task<string, byte[]>("thumbnail")).Message, StringComparison.Ordinal);

    [Fact]
    public void OptionsThatContradictEachOtherAreRefused()
    {
        CeleryRoute never = new() { TimeLimit = TimeSpan.FromSeconds(5), SoftTimeLimit = TimeSpan.FromSeconds(5) };
        foreach (CeleryExecutorOptions options in (CeleryExecutorOptions[])
            [new() { Route = never }, new() { Routes = new Dictionary<string, CeleryRoute> { ["a"] = never } }, new() { Host = " " }])
            Assert.Throws<ArgumentException>("options", () => Executor.Celery("redis://localhost", options));
        Assert.Contains("The soft limit is the shorter one.", Assert.Throws<ArgumentException>("options",
            () => celery.Task<int, int>("any", new() { Route = never })).Message, StringComparison.Ordinal);
        foreach (Action make in (Action[])
            [
                static () => _ = new CeleryExecutorOptions { Route = null! }, static () => _ = new CeleryExecutorOptions { Listen = null! },
                static () => _ = new CeleryExecutorOptions { Routes = new Dictionary<string, CeleryRoute> { ["a"] = null! } },
                static () => _ = new CeleryTaskOptions { Route = null! }, static () => _ = new CeleryTaskOptions { Serializers = null! },
            ])
            Assert.Throws<ArgumentNullException>("value", make);
    }

    /// <summary>RabbitMQ counts bytes.</summary>
    [Fact]
    public void TheNameOfAQueueHas255Bytes()
    {
        Assert.Equal(254, new CeleryRoute { Queue = new('ä', 127) }.Queue!.Length * 2);
        Assert.Throws<ArgumentException>(() => new CeleryRoute { Queue = new('ä', 128) });
    }

    private async Task<string> RefusedAsync<T>(T value, CeleryTaskOptions options) => (await Assert.ThrowsAsync<CeleryTaskException>(
        () => celery.Task<T, int>("resize", options)(value, Lab.Cancellation))).Message;

    private sealed record Size(string Name, int Width);
}
