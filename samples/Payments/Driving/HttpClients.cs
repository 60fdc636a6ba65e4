using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;

namespace Payments.Driving;

/// <summary>Clients that post payments, and send again under the same key what was not answered: that is all it takes to be counted
/// once.</summary>
internal sealed class HttpClients(Victim victim, Tally tally) : IDisposable
{
    private const int AtOnce = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Sends all, several at a time, until all are acknowledged.</summary>
    public Task SendAsync(IEnumerable<Request> requests, CancellationToken cancellation)
        => Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
        async (request, token) => await SendAsync(request, token));

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private async Task SendAsync(Request request, CancellationToken cancellation)
    {
        for (var wait = request.GivesUpAfterMs is { } ms ? TimeSpan.FromMilliseconds(ms) : Timeout.InfiniteTimeSpan;
            !await TryAsync(request, wait, cancellation); wait = Timeout.InfiniteTimeSpan)
        {
            tally.Repeat();
            await Task.Delay(Pause, cancellation);
        }

        tally.Acknowledge(request.Payments.Count);
        if (!request.IsRepeated) return;
        tally.Repeat();
        while (!await TryAsync(request, Timeout.InfiniteTimeSpan, cancellation)) await Task.Delay(Pause, cancellation);
    }

    /// <returns>Whether it was acknowledged; else it is not known, or there was no room.</returns>
    private async Task<bool> TryAsync(Request request, TimeSpan wait, CancellationToken cancellation)
    {
        var server = await victim.FindAsync(cancellation);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(wait);
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Post,
                new Uri(server.Http, "payments"))
            { Content = ContentOf(request.Payments) };
            message.Headers.Add("Idempotency-Key", request.Key);
            using var answer = await http.SendAsync(message, patience.Token);
            if (answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable) return false;
            if (answer.StatusCode == HttpStatusCode.Accepted) return true;
            throw new InvalidDataException(
                $"POST /payments was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellation)}");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or OperationCanceledException
            && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private static ByteArrayContent ContentOf(IReadOnlyList<Payment> payments)
    {
        var body = string.Join('\n', payments.Select(payment => JsonSerializer.Serialize(payment, PaymentsJson.Default.Payment)));
        var content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = new MediaTypeHeaderValue(payments.Count == 1 ? "application/json" : "application/x-ndjson");
        return content;
    }
}
