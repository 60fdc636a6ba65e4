using Sluice;

namespace Money;

/// <summary>
/// Buckets that fill up: what comes in flows into the first bucket until that is full, what does not fit flows on to the next one, and so
/// on. Each bucket tells on named outputs what it takes, and at the end how full it is.
/// </summary>
internal static class Budget
{
    private static readonly decimal[] Wages = [850.00m, 850.00m, 912.35m, 850.00m];
    private static readonly decimal[] Extras = [64.20m, 120.55m];

    public static async Task<Statement> RunAsync(RunOptions options)
    {
        List<Deposit> left = [];
        Pipeline pipeline = (Source.From(Wages) | Stage.Named("wages"))
            .Concat(Source.From(Extras) | Stage.Named("extras"))
            .Scan(new Deposit(0, 0), Number)
            | Bucket("rent", 1_200.00m)
            | Bucket("food", 640.50m)
            | Bucket("power", 185.75m)
            | Bucket("savings", 1_500.00m)
            | left.Add | Stage.Named("left over");

        await using PipelineRun run = pipeline.Start(options with { Outputs = ["taken", "level"] });
        var reading = run.Output<Taken>("taken").ReadAllAsync().ToListAsync();
        var buckets = await run.Output<Level>("level").ReadAllAsync().ToListAsync();
        var taken = await reading;
        await run.Completion;

        return new Statement(
            "Budget: every deposit fills the buckets in the order given; nothing is rounded, for all amounts are whole cents.",
            [("wages", string.Join(", ", Wages)), ("extras", string.Join(", ", Extras)),
                .. buckets.Select(bucket => ($"bucket {bucket.Bucket}", (object)bucket.Size))],
            pipeline.Topology.ToText(),
            [["deposit", "amount", .. buckets.Select(bucket => bucket.Bucket), "left over"],
                .. Wages.Concat(Extras).Select((amount, i) => Row(i + 1, amount)),
                ["total", Wages.Sum() + Extras.Sum(), .. buckets.Select(bucket => (object)bucket.Filled), left.Sum(rest => rest.Amount)]]);

        object[] Row(int number, decimal amount) => [
            number, amount,
            .. buckets.Select(bucket => (object)taken
                .Where(some => some.Deposit == number && some.Bucket == bucket.Bucket).Sum(some => some.Amount)),
            left.Where(rest => rest.Number == number).Sum(rest => rest.Amount)];
    }

    private static Deposit Number(Deposit before, decimal amount) => new(before.Number + 1, amount);

    private static Pipe<Deposit, Deposit> Bucket(string name, decimal size)
        => StageNode.Of(() => new BucketNode(name, size)) | Stage.Named(name);

    private readonly record struct Deposit(int Number, decimal Amount);

    private readonly record struct Taken(int Deposit, string Bucket, decimal Amount);

    private readonly record struct Level(string Bucket, decimal Size, decimal Filled);

    private sealed class BucketNode(string name, decimal size) : StageNode<Deposit, Deposit>
    {
        private readonly NamedOutput<Taken> taken = new("taken");
        private readonly NamedOutput<Level> level = new("level");
        private decimal filled;

        protected override async ValueTask ProcessAsync(Deposit item, Output<Deposit> output, CancellationToken cancellation)
        {
            var fits = Math.Min(size - filled, item.Amount);
            filled += fits;
            if (fits > 0) await output.PushAsync(taken, new Taken(item.Number, name, fits));
            if (fits < item.Amount) await output.PushAsync(item with { Amount = item.Amount - fits });
        }

        protected override ValueTask EndAsync(Output<Deposit> output, CancellationToken cancellation)
            => output.PushAsync(level, new Level(name, size, filled));
    }
}
