namespace Sluice.Sqlite.Tests;

public class RequestQueueTests
{
    /// <remarks>Regression: the commits of 64 partitions, each with a hundred functions, made one transaction of minutes, and sends and
    /// reads waited for it.</remarks>
    [Fact]
    public void ARoundHasAHundredFunctionsAndOtherCallsDoNotWaitForMore()
    {
        var queue = new RequestQueue();
        foreach ((RequestKind kind, int functions) in ((RequestKind, int)[])[(RequestKind.Commit, 60), (RequestKind.Append, 0),
            (RequestKind.Commit, 30), (RequestKind.Commit, 20), (RequestKind.Other, 0), (RequestKind.Commit, 300), (RequestKind.Commit, 0)])
            _ = queue.CallAsync(new Request<bool>(kind, isLasting: true, static _ => true, functions), CancellationToken.None);
        List<string> rounds = [];
        queue.Close("store");
        for (List<Request> round = []; queue.Take(0, TimeSpan.Zero, round); round.Clear())
            rounds.Add(string.Join(' ', round.Select(static request => request.Kind == RequestKind.Commit ? $"{request.Functions}"
                : $"{request.Kind}")));
        Assert.Equal(["60 30 0 Append Other", "20", "300"], rounds);
    }
}
