using Sluice;

Pipeline pipeline = Source.From(["ann,3", "bob,4", "x", "ann,5"])
    | Parse
        | Stage.Parallel(4)                          // four lines at a time; the order stays
        | Stage.OnError(ErrorPolicy.DeadLetter)      // a line that fails is put aside; the run goes on
    | Describe
    | Console.WriteLine;

await using PipelineRun run = pipeline.Start();
await run.Completion;
foreach (var dead in run.DeadLetters) Console.WriteLine($"dead letter: {dead}");

static Order Parse(string line)
{
    string[] parts = line.Split(',');
    return parts.Length == 2 ? new(parts[0], int.Parse(parts[1])) : throw new FormatException("a line is NAME,AMOUNT");
}

static string Describe(Order order) => $"{order.Customer} buys {order.Amount}";

internal sealed record Order(string Customer, int Amount);
