using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sluice.Diagnostics;
using Sluice.Hosting;
using Sluice.Sqlite;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// Single items by <c>POST</c> over 64 connections on the loopback, accepted durably, against an endpoint of the same server that parses
/// the item and answers. The client is the same for both and only writes and reads bytes, so that the server is measured.
/// </summary>
internal static partial class Http
{
    private const int Connections = 64;

    public static Scenario Scenario { get; } = new("http",
        $"POST of an item over {Connections} connections: answered when durable (SQLite, Process), against only parsed",
    [
        new Comparison("http", 40_000, 8_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, DurableAsync),
            Variant.OfTask("parse-only", ParseOnlyAsync),
        ]) { WarmCount = 8_000 },
    ]);

    private static async Task<double> DurableAsync(long count)
    {
        using var directory = new Scratch();
        await using SqliteStreamStore store = await SqliteStreamStore.OpenAsync(directory.File, Durability.Process);
        long sum = 0;
        await using var consecutor = new Consecutor<Reading>("http",
            source => source | (reading => { Interlocked.Add(ref sum, reading.Number); }),
            new() { Store = store, Serializers = PayloadSerializers.JsonOf(ReadingJson.Default) });
        await consecutor.StartAsync();
        await PostAllAsync(count, app => app.MapProducer("/readings", consecutor));
        ConsecutorSnapshot books = await consecutor.WaitForIdleAsync();
        await consecutor.StopAsync();
        return books.Completed == count ? sum : double.NaN;
    }

    private static async Task<double> ParseOnlyAsync(long count)
    {
        long sum = 0;
        byte[] answer = """{"accepted":1}"""u8.ToArray();
        await PostAllAsync(count, app => app.MapPost("/readings", async (HttpContext context) =>
        {
            Reading? reading = await JsonSerializer.DeserializeAsync(context.Request.BodyReader, ReadingJson.Default.Reading);
            Interlocked.Add(ref sum, reading!.Number);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer);
        }));
        return sum;
    }

    private static async Task PostAllAsync(long count, Action<WebApplication> map)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication app = builder.Build();
        map(app);
        await app.StartAsync();
        int port = new Uri(app.Urls.Single()).Port;
        await Task.WhenAll(Enumerable.Range(0, Connections)
            .Select(client => PostAsync(port, count * client / Connections, count * (client + 1) / Connections)));
        await app.StopAsync();
    }

    private static async Task PostAsync(int port, long from, long to)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        byte[] buffer = new byte[1024];
        for (long number = from; number < to; number++)
        {
            string body = $$"""{"Sensor":"sensor-{{number % 100}}","Number":{{number}},"Value":21.5}""";
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                $"POST /readings HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                    + $"application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            int received = 0;
            do received += await socket.ReceiveAsync(buffer.AsMemory(received));
            while (!buffer.AsSpan(0, received).EndsWith("}"u8));
            if (!buffer.AsSpan(0, received).StartsWith("HTTP/1.1 202"u8))
                throw new InvalidOperationException(Encoding.ASCII.GetString(buffer, 0, received));
        }
    }

    internal sealed record Reading(string Sensor, long Number, double Value);

    [JsonSerializable(typeof(Reading))]
    internal sealed partial class ReadingJson : JsonSerializerContext;
}
