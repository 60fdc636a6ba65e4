using System.Threading.Channels;

namespace Sluice.Bench;

/// <summary>The loops that a good user of channels writes: read and write without awaiting while that is possible.</summary>
internal static class ChannelStages
{
    public const int Capacity = 1024;

    public static Channel<T> Create<T>(bool singleWriter = true)
        => Channel.CreateBounded<T>(new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = singleWriter });

    public static async Task FeedAsync(long count, ChannelWriter<long> output)
    {
        for (long i = 0; i < count; i++)
            if (!output.TryWrite(i)) await output.WriteAsync(i);
        output.Complete();
    }

    public static async Task MapAsync(ChannelReader<long> input, Func<long, long> map, ChannelWriter<long> output, bool complete = true)
    {
        while (await input.WaitToReadAsync())
        {
            while (input.TryRead(out var item))
            {
                var value = map(item);
                if (!output.TryWrite(value)) await output.WriteAsync(value);
            }
        }

        if (complete) output.Complete();
    }

    public static async Task DrainAsync<T>(ChannelReader<T> input, Action<T> sink)
    {
        while (await input.WaitToReadAsync())
            while (input.TryRead(out var item)) sink(item);
    }

    public static async Task<long> SumAsync(ChannelReader<long> input)
    {
        long sum = 0;
        while (await input.WaitToReadAsync())
            while (input.TryRead(out var item)) sum += item;
        return sum;
    }

    /// <summary>Runs the numbers through the maps, each behind a separate channel, and the sum behind another.</summary>
    public static async Task<long> ChainAsync(long count, IEnumerable<Func<long, long>> maps)
    {
        var first = Create<long>();
        var current = first;
        var stages = new List<Task>();
        foreach (var map in maps)
        {
            var (input, output) = (current, Create<long>());
            stages.Add(Task.Run(() => MapAsync(input, map, output)));
            current = output;
        }

        var sum = Task.Run(() => SumAsync(current));
        await FeedAsync(count, first);
        await Task.WhenAll(stages);
        return await sum;
    }
}
