using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

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

    [Fact]
    public async Task ACertificateThatIsNotTrustedIsSaidAtOnce()
    {
        using var key = RSA.Create(2048);
        DateTimeOffset from = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
        using X509Certificate2 own = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(from, from.AddYears(90));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var broker = new RabbitBroker(BrokerAddress.Parse($"amqps://guest:hunter2@{listener.LocalEndpoint}//"));
        Task sending = broker.SendAsync(new("any", "id"), new() { Queue = "q" }, Lab.Cancellation);
        using TcpClient connected = await listener.AcceptTcpClientAsync(Lab.Cancellation);
        await using var secure = new SslStream(connected.GetStream());
        Task greeting = secure.AuthenticateAsServerAsync(own);

        FlowException refused = await Assert.ThrowsAsync<FlowException>(() => sending);
        await Task.WhenAny(greeting);
        Assert.Equal($"The Celery broker, RabbitMQ at {listener.LocalEndpoint}, has a certificate that is not trusted, has expired, or is "
            + "of another host. Trust the authority that made it (SSL_CERT_FILE), or correct the host in the address.", refused.Message);
    }

    /// <summary>The port without TLS, or a balancer whose broker just starts: there is no certificate, and it may change.</summary>
    [Fact]
    public async Task AnAnswerThatIsNotTlsIsWaitedFor()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var broker = new RabbitBroker(BrokerAddress.Parse($"amqps://guest:hunter2@{listener.LocalEndpoint}//"));
        Task sending = broker.SendAsync(new("any", "id"), new() { Queue = "q" }, Lab.Cancellation);
        using TcpClient connected = await listener.AcceptTcpClientAsync(Lab.Cancellation);
        await connected.GetStream().WriteAsync("AMQP\0\0\t\u0001"u8.ToArray(), Lab.Cancellation);
        BrokerAwayException away = await Assert.ThrowsAsync<BrokerAwayException>(() => sending);
        Assert.Contains("cannot be reached: Cannot determine the frame size", away.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHostThatIsNotReachedHasItsCause()
    {
        await using var broker = new RabbitBroker(BrokerAddress.Parse($"amqp://guest:hunter2@127.0.0.1:{FreePort.Next()}//"));
        BrokerAwayException away = await Assert.ThrowsAsync<BrokerAwayException>(
            () => broker.SendAsync(new("any", "id"), new() { Queue = "q" }, Lab.Cancellation));
        Assert.Contains("cannot be reached: Connection refused", away.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter", away.Message, StringComparison.Ordinal);
    }
}

/// <summary>Queues of a real RabbitMQ.</summary>
public class RabbitQueueTests(RabbitWorkers workers) : IClassFixture<RabbitWorkers>
{
    [Fact]
    public async Task AQueueThatSomebodyElseMakesMeanwhileIsUsed()
    {
        await using RabbitBroker plain = NewBroker(), urgent = NewBroker();
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
        await using RabbitBroker broker = NewBroker();
        CeleryRoute route = new() { Queue = "gone" };
        QueueState state = await broker.DescribeAsync("gone", Lab.Cancellation);
        Assert.Equal((false, "the queue does not exist, because it was deleted with its tasks, or expired"), (state.HasTasks, state.Text));
        await broker.SendAsync(new("any", "a"), route, Lab.Cancellation);
        Assert.True((await broker.DescribeAsync("gone", Lab.Cancellation)).HasTasks);
    }

    private RabbitBroker NewBroker() => new(BrokerAddress.Parse(workers.Url)) { SendTimeout = Lab.Patience };
}
