using System.Net;
using System.Net.Http.Json;

namespace Orders.Driving;

/// <summary>Customers that post their orders, to whichever service, until they are answered.</summary>
internal sealed class Customers(IReadOnlyList<ShopProcess> services, Tally tally) : IDisposable
{
    private const int AtOnce = 16;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    // A frozen service answers when it continues, so a customer goes to another one before.
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Sends all orders.</summary>
    /// <exception cref="InvalidDataException">A service answered what it should not.</exception>
    /// <exception cref="ServiceEndedException">A service ended by itself.</exception>
    public Task SendAsync(IEnumerable<Order> orders, CancellationToken cancellation)
        => Parallel.ForEachAsync(orders, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation },
            async (order, token) =>
            {
                for (int tries = order.Id.GetHashCode() & 1; ; tries++)
                {
                    if (await TryAsync(order, services[tries % services.Count], token) is { } answer)
                    {
                        tally.Answers[order.Id] = answer;
                        return;
                    }
                    tally.Repeat();
                    await Task.Delay(Pause, token);
                }
            });

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    /// <returns>The status; null if it is not known what came of the order.</returns>
    private async Task<int?> TryAsync(Order order, ShopProcess service, CancellationToken cancellation)
    {
        try
        {
            var url = new Uri(await service.FindAsync(cancellation).WaitAsync(http.Timeout, cancellation), "orders");
            using HttpResponseMessage answer = await http.PostAsJsonAsync(url, order, OrdersJson.Default.Order, cancellation);
            return answer.StatusCode switch
            {
                HttpStatusCode.Created or HttpStatusCode.Conflict or HttpStatusCode.PaymentRequired => (int)answer.StatusCode,
                HttpStatusCode.ServiceUnavailable => null,
                _ => throw new InvalidDataException($"POST /orders was answered with {(int)answer.StatusCode}: "
                    + await answer.Content.ReadAsStringAsync(cancellation)),
            };
        }
        catch (Exception lost) when (lost is HttpRequestException or IOException or OperationCanceledException or TimeoutException)
        {
            cancellation.ThrowIfCancellationRequested();
            return null;
        }
    }
}
