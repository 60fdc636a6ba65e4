using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sluice.Celery.Tests;

/// <summary>A worker in C#: takes a task as the Python package does.</summary>
internal sealed class PlayedWorker(Socket socket, Stream stream) : IDisposable
{
    public Stream Stream => stream;

    public static JsonElement TokenOf(TaskMessage task) => JsonDocument.Parse(task.Header!.Value.Text).RootElement;

    public static byte[] SecretOf(TaskMessage task) => Convert.FromHexString(TokenOf(task).GetProperty("secret").GetString()!);

    public static async Task<PlayedWorker> ConnectAsync(TaskMessage task, byte[]? secret = null, long version = 1)
    {
        JsonElement token = TokenOf(task);
        PlayedWorker worker = await ConnectAsync(token.GetProperty("port").GetInt32(), token.TryGetProperty("certificate",
            out JsonElement hash) ? hash.GetString() : null);
        await worker.SendAsync(Hello(secret ?? SecretOf(task), version));
        return worker;
    }

    public static async Task<PlayedWorker> ConnectAsync(int port, string? certificate = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", port);
        Stream stream = new NetworkStream(socket);
        if (certificate is null) return new(socket, stream);
        var secure = new SslStream(stream, false, (_, found, _, _) => found!.GetCertHashString(HashAlgorithmName.SHA256) == certificate);
        await secure.AuthenticateAsClientAsync("anything");
        return new(socket, secure);
    }

    public static byte[] Hello(byte[] secret, long version = 1)
    {
        byte[] name = Encoding.UTF8.GetBytes("played@test"), number = new byte[8], length = new byte[4];
        BinaryPrimitives.WriteInt64LittleEndian(number, version);
        BinaryPrimitives.WriteInt32LittleEndian(length, name.Length);
        return Framed([1, .. secret, .. length, .. name, 0, 0, 0, 0, 0, .. number]);
    }

    public static byte[] Framed(byte[] content)
    {
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, content.Length);
        return [.. length, .. content];
    }

    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes, TestContext.Current.CancellationToken);

    /// <summary>Executes the call, by the functions.</summary>
    public async Task ServeAsync(ProcessorFunctions functions)
    {
        var gate = new Lock();
        using RemoteFunction function = new RemoteWorker(functions).Open(message =>
        {
            lock (gate) stream.Write(Frames.Of(message));
        });
        while (await Frames.ReadAsync(stream, 1 << 20, CancellationToken.None) is { } frame) function.Receive(Frames.MessageOf(frame));
        function.Lose();
        await function.Completion;
    }

    /// <summary>Whether the service has closed the connection without a word.</summary>
    public async Task<bool> IsRefusedAsync()
    {
        try
        {
            return await stream.ReadAsync(new byte[1], TestContext.Current.CancellationToken) == 0;
        }
        catch (IOException)
        {
            return true;                             // reset
        }
    }

    public void Dispose()
    {
        stream.Dispose();
        socket.Dispose();
    }
}
