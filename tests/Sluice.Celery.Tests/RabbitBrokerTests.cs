using System.Net;
using System.Net.Sockets;

namespace Sluice.Celery.Tests;

/// <summary>A broker RabbitMQ that accepts connections and says nothing.</summary>
public class RabbitBrokerTests
{
    [Fact]
    public async Task ABrokerThatSaysNothingHoldsUpNeitherADescriptionNorTheEnd()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var broker = new RabbitBroker(BrokerAddress.Parse($"amqp://guest:guest@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}//"))
        {
            SendTimeout = TimeSpan.FromMinutes(10)
        };
        var task = new TaskMessage("any", "id");
        Task first = broker.SendAsync(task, new() { Queue = "q" }, Lab.Cancellation);
        using Socket connected = await silent.AcceptSocketAsync(Lab.Cancellation);
        Task second = broker.SendAsync(task, new() { Queue = "q" }, Lab.Cancellation);      // waits behind the first one

        QueueState state = await broker.DescribeAsync("q", Lab.Cancellation);
        Assert.Null(state.HasTasks);
        Assert.EndsWith("does not answer", state.Text, StringComparison.Ordinal);
        await broker.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => first);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second);
    }
}

/// <summary>Queues of a real RabbitMQ.</summary>
public class RabbitQueueTests(RabbitWorkers workers) : IClassFixture<RabbitWorkers>
{
    [Fact]
    public async Task AQueueThatSomebodyElseMakesMeanwhileIsUsed()
    {
        await using RabbitBroker plain = new(BrokerAddress.Parse(workers.Url)), urgent = new(BrokerAddress.Parse(workers.Url));
        for (int i = 0; i < 100; i++)                // one of them makes the queue, with other arguments than the other one would
        {
            CeleryRoute route = new() { Queue = $"made-twice-{i}" };
            await Task.WhenAll(plain.SendAsync(new("any", "a"), route, Lab.Cancellation),
                urgent.SendAsync(new("any", "b"), route with { Priority = 3 }, Lab.Cancellation));
        }
    }

    /// <remarks>Formerly it said that the broker does not answer, and the task was not sent again for an hour.</remarks>
    [Fact]
    public async Task AQueueThatDoesNotExistHasNoTasksAndIsMadeForTheNextOne()
    {
        await using RabbitBroker broker = new(BrokerAddress.Parse(workers.Url));
        CeleryRoute route = new() { Queue = "gone" };
        QueueState state = await broker.DescribeAsync("gone", Lab.Cancellation);
        Assert.Equal((false, "the queue does not exist, because it was deleted with its tasks, or expired"), (state.HasTasks, state.Text));
        await broker.SendAsync(new("any", "a"), route, Lab.Cancellation);
        Assert.True((await broker.DescribeAsync("gone", Lab.Cancellation)).HasTasks);
    }
}
