using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Storage;

namespace Sluice.Redis.Tests;

/// <summary>Another server answers at the address: its first bytes say enough, and the store does not wait for its timeout.</summary>
public class OtherProtocolTests
{
    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("J\0\0\0\n8.0.36\0")]
    public async Task AServerOfAnotherProtocolIsReportedAtOnce(string greeting)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task answering = AnswerAsync();
        StreamStoreException failure = await Assert.ThrowsAsync<StreamStoreException>(async () =>
            await RedisStreamStore.ConnectAsync($"{listener.LocalEndpoint},password=secret", new() { Timeout = TimeSpan.FromMinutes(10) }));
        Assert.Equal($"Something answers at {listener.LocalEndpoint}, but it does not speak Redis's protocol: is that the server's "
            + "address, and does it want TLS (ssl=true)?", failure.Message);
        listener.Stop();
        await answering;

        async Task AnswerAsync()
        {
            List<Task> clients = [];
            try
            {
                while (true) clients.Add(GreetAsync(await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken)));
            }
            catch (Exception ended) when (ended is SocketException or InvalidOperationException)
            {
                // The test has closed the listener.
            }
            await Task.WhenAll(clients);
        }

        async Task GreetAsync(TcpClient client)
        {
            using TcpClient closed = client;
            try
            {
                NetworkStream stream = client.GetStream();
                await stream.WriteAsync(Encoding.ASCII.GetBytes(greeting), TestContext.Current.CancellationToken);
                await stream.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
            }
            catch (Exception ended) when (ended is SocketException or IOException or InvalidOperationException)
            {
                // The store has closed the connection.
            }
        }
    }
}
