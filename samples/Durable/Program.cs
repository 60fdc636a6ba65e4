using Sluice;
using Sluice.Diagnostics;
using Sluice.Sqlite;

// Computes a hundred squares, one every 50 ms, and writes them to squares.csv. Kill the program at any moment, with `kill -9` too, and
// start it again:
// it goes on where it was. In the end each square is in the file exactly once.
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
    ConsecutorSnapshot before = squares.Snapshot();
    if (before.Accepted > 0)
        Console.WriteLine($"goes on: {before.Accepted} accepted, {before.Completed} of them completed by earlier runs");

    // its position is stored with the numbers that it has brought
    Source<int> numbers = Source.Resumable("numbers", Enumerable.Range(1, 100));
    await (numbers | squares).RunAsync();

    ConsecutorSnapshot end = await squares.WaitForIdleAsync();
    Console.WriteLine($"done: {end.Accepted} accepted, {end.Completed} completed; see squares.csv");
    return 0;
}
catch (Exception failure)
{
    Console.Error.WriteLine($"durable: {failure.Message}");
    return 1;
}

static async Task<Square> SquareAsync(int number, CancellationToken cancellation)
{
    await Task.Delay(50, cancellation);              // stands for work that takes long
    Console.WriteLine($"{number} * {number} = {number * number}");
    return new Square(number, number * number);
}

internal sealed record Square(int Number, int Value);
