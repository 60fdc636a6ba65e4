using System.Buffers.Binary;
using System.Text.Json.Serialization;
using Sluice.Storage;

namespace Sluice.Bench;

/// <summary>
/// Items of 1 KB to two worker processes and back, including their start and end. The same body in this process shows the cost of the way.
/// </summary>
internal static partial class Processes
{
    private const int ItemBytes = 1024;

    private static readonly ProcessOptions TwoWorkers = new() { Workers = 2 };
    private static readonly PayloadSerializers Json = PayloadSerializers.JsonOf(PostJson.Default);
    private static readonly string Text = new('x', ItemBytes - 32);

    public static Scenario Scenario { get; } = new("process", "a pipeline's body in 2 child processes, 1 KB items there and back",
    [
        new Comparison("process", 400_000, 100_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours, count => BytesAsync(count, Pipe.InProcesses<byte[], byte[]>("bytes", TwoWorkers))),
            Variant.OfTask("unordered", count => BytesAsync(count,
                Pipe.InProcesses<byte[], byte[]>("bytes", TwoWorkers) | Stage.Unordered)),
            Variant.OfTask("json", JsonAsync),
            Variant.OfTask("in-process", count => BytesAsync(count, Pipe.Of<byte[]>() | Touch)),
        ]) { WarmCount = 50_000 },
    ]);

    /// <summary>The bodies of worker processes.</summary>
    public static WorkerBody? Body(string name) => name switch
    {
        "bytes" => WorkerBody.Of(Pipe.Of<byte[]>() | Touch),
        "json" => WorkerBody.Of(Pipe.Of<Post>() | Answer, Json),
        _ => null,
    };

    private static async Task<double> BytesAsync(long count, Pipe<byte[], byte[]> body)
    {
        long sum = 0;
        await (Source.Range(0, count) | ItemOf | body | (item => { sum += BinaryPrimitives.ReadInt64LittleEndian(item); })).RunAsync();
        return sum;
    }

    private static async Task<double> JsonAsync(long count)
    {
        long sum = 0;
        await (Source.Range(0, count) | (n => new Post(n, Text))
            | Pipe.InProcesses<Post, Post>("json", TwoWorkers with { Serializers = Json }) | (post => { sum += post.Number; })).RunAsync();
        return sum;
    }

    private static byte[] ItemOf(long number)
    {
        byte[] item = new byte[ItemBytes];
        BinaryPrimitives.WriteInt64LittleEndian(item, number);
        return item;
    }

    private static byte[] Touch(byte[] item)
    {
        item[^1]++;
        return item;
    }

    private static Post Answer(Post post) => post;

    internal sealed record Post(long Number, string Text);

    [JsonSerializable(typeof(Post))]
    internal sealed partial class PostJson : JsonSerializerContext;
}
