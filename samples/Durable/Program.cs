using Sluice;
using Sluice.Sqlite;

// Computes a hundred squares, one every 50 ms, and writes them to squares.csv. Kill it at any moment, with `kill -9` too, and start it
// again: it goes on where it was. In the end each square is in the file exactly once.
try
{
    await using var store = await SqliteStreamStore.OpenAsync("durable.db", Durability.Power);

    await using var squares = new Consecutor<int>(
        "squares",
        source => source
            | SquareAsync | Stage.Named("square")
            | Sink.ToFile<Square>("squares.csv", square => $"{square.Number},{square.Value}", header: "number,square"),
        new ConsecutorOptions { Store = store });

    await squares.StartAsync();
    var before = squares.Snapshot();
    if (before.Accepted > 0)
        Console.WriteLine($"goes on: {before.Accepted} accepted, {before.Completed} of them completed by earlier runs");

    // its position is stored with the numbers that it has brought
    await (Source.Resumable("numbers", Enumerable.Range(1, 100)) | squares).RunAsync();
    var end = await squares.WaitForIdleAsync();
    Console.WriteLine($"done: {end.Accepted} accepted, {end.Completed} completed; see squares.csv");
}
catch (Exception failure)
{
    Console.Error.WriteLine($"durable: {failure.Message}");
    Environment.ExitCode = 1;
}

static async Task<Square> SquareAsync(int number, CancellationToken cancellation)
{
    await Task.Delay(50, cancellation);              // stands for work that takes long
    Console.WriteLine($"{number} * {number} = {number * number}");
    return new Square(number, number * number);
}

internal sealed record Square(int Number, int Value);
