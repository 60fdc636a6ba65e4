namespace Sluice;

/// <summary>Wires producers to consecutors: <c>producer | consecutor</c>.</summary>
public static class ConsecutorDoor
{
    extension<T>(Source<T>)
    {
        /// <summary>
        /// A pipeline that sends everything to a consecutor. Items are acknowledged (their roots end) when they are durable; what is at hand goes into one
        /// append. A producer that can resume goes on where it was (<see cref="Source.Resumable{T}(string, Func{ReadOnlyMemory{byte}, CancellationToken, IAsyncEnumerable{Positioned{T}}})"/>).
        /// </summary>
        public static Pipeline operator |(Source<T> source, Consecutor<T> consecutor) => throw new NotImplementedException();
    }
}
